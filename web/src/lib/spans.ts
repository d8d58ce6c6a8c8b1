const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** The seconds of `90s`, `15m`, `12h`, `30d` or `2w`; null: it is none of these. */
export function secondsOf(text: string): number | null {
  const found = /^\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*$/.exec(text);
  return found ? Number(found[1]) * (UNITS[found[2] ?? ''] ?? 1) : null;
}

/** Seconds as one would write them: the greatest unit that needs no fraction. */
export function spanOf(seconds: number): string {
  for (const unit of ['d', 'h', 'm']) {
    const length = UNITS[unit] ?? 1;
    if (seconds >= length && seconds % length === 0) return `${seconds / length}${unit}`;
  }
  return `${seconds}s`;
}
