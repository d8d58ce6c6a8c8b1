import type { AnchorHTMLAttributes, MouseEvent } from 'react';
import { base } from '../api/client';
import { useGo } from './nav';

/** A link inside the app: an ordinary anchor, so that it can be opened in a new tab and copied. */
export function Link({ to, onClick, ...rest }: { to: string } & AnchorHTMLAttributes<HTMLAnchorElement>) {
  const go = useGo();
  function click(event: MouseEvent<HTMLAnchorElement>): void {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
  }
  return <a href={`${new URL(base).pathname.replace(/\/$/, '')}${to}`} onClick={click} {...rest} />;
}
