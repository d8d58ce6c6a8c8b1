import { useEffect, useRef } from 'react';
import { setting } from '../lib/settings';

type Keys = Record<string, () => void>;
let lead = '';
let leadAt = 0;
const LEAD_MS = 1200;

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest('input:not([type=checkbox]),textarea,select') !== null)
  );
}

/** Single keys, and two in a row as `g t`. Off while typing, in dialogs and with Ctrl, Alt, Meta. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    function press(event: KeyboardEvent): void {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (!setting('shortcuts') && event.key.length === 1) return;
      if (typing(event.target) || document.querySelector('[role=dialog]')) return;
      const two = Date.now() - leadAt < LEAD_MS && lead ? `${lead} ${event.key}` : '';
      const call = (two && latest.current[two]) || latest.current[event.key];
      if (!call) return;
      event.preventDefault();
      call();
    }
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, []);
}

// The first of two keys is remembered after every page has had its look at it.
window.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  setTimeout(() => {
    lead = event.key === 'g' ? 'g' : '';
    leadAt = Date.now();
  });
});
