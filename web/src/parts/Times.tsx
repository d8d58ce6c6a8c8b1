import { useSetting } from '../lib/settings';
import { ago, span, stamp, useNow, useZone, type When, zoneName } from '../lib/time';

/** A point in time as the reader likes it; the other form is a hover away. */
export function Ago({ at, always }: { at: When; always?: 'absolute' | 'relative' }) {
  const now = useNow();
  const zone = useZone();
  const [times] = useSetting('times');
  if (!at) return <span className="dim">–</span>;
  const ms = Date.parse(at);
  const exact = `${stamp(ms, zone)} ${zoneName(zone)}`;
  const relative = ago(ms, now);
  const absolute = (always ?? times) === 'absolute';
  return (
    <time dateTime={at} title={absolute ? relative : exact} className="num">
      {absolute ? stamp(ms, zone).slice(0, 19) : relative}
    </time>
  );
}

/** From one point in time to another, or to this very second. */
export function Took({ from, to, running }: { from: When; to: When; running?: boolean }) {
  return running && from && !to ? (
    <Running from={from} />
  ) : (
    <span className="num">{from && to ? span(Date.parse(to) - Date.parse(from)) : '–'}</span>
  );
}

function Running({ from }: { from: string }) {
  const now = useNow();
  return <span className="num">{span(now - Date.parse(from))}</span>;
}
