/** Only if nobody has changed it since it was read; else the server says 412. */
export function ifMatch(thing: { version: number }): { 'If-Match': string } {
  return { 'If-Match': `"${thing.version}"` };
}
