import { Alert } from '@mantine/core';
import { Command } from './Copyable';

/** A secret that is shown this once. */
export function Reveal({ what, secret, use }: { what: string; secret: string; use?: string }) {
  return (
    <Alert color="petrol" variant="light" title={`${what}: it is shown this once`}>
      <Command>{secret}</Command>
      {use && (
        <>
          <p className="small">Use it:</p>
          <Command>{use}</Command>
        </>
      )}
    </Alert>
  );
}
