/** So often at most a request is repeated that the server had no time for. */
const TRIES_MAX = 3;
/** Whoever clicked waits no longer than this; pages that ask by themselves may. */
const WAIT_MS_MAX = 5_000;
const WAIT_MS_MAX_READING = 60_000;
const NO_TIME_MS = 1_000;

/** Until when the server wants to be asked nothing, by the page's clock. */
let quietUntil = 0;

/** How long to wait, by `Retry-After` in seconds; what says nothing of use, a second. */
export function waitOf(response: Response): number {
  const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : NO_TIME_MS;
}

/** When the window ends in which nothing is left, by `RateLimit: "default";r=0;t=12`; 0: there is some left. */
export function spentFor(response: Response): number {
  const said = response.headers.get('RateLimit') ?? '';
  const left = /;\s*r=(\d+)/.exec(said);
  const seconds = /;\s*t=(\d+)/.exec(said);
  return left?.[1] === '0' && seconds ? Number(seconds[1]) * 1000 : 0;
}

/**
 * Asks as `fetch` does, and not more often than the server likes: what it refuses for being too
 * much is asked again when it says so, and until then nothing else is. A request that was refused
 * so was not carried out, so that any may be repeated.
 */
export async function patiently(request: Request): Promise<Response> {
  const reading = request.method === 'GET';
  const waitMax = reading ? WAIT_MS_MAX_READING : WAIT_MS_MAX;
  for (let tries = 1; ; tries++) {
    const held = quietUntil - Date.now();
    if (held > 0 && held <= waitMax) await pause(held, request.signal);
    const response = await fetch(request.clone());
    quietUntil = Math.max(quietUntil, Date.now() + spentFor(response));
    if (response.status !== 429) return response;
    const wait = waitOf(response);
    quietUntil = Math.max(quietUntil, Date.now() + wait);
    if (tries >= TRIES_MAX || wait > waitMax) return response;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done, refuse) => {
    const timer = setTimeout(finish, ms);
    function finish(): void {
      signal.removeEventListener('abort', stop);
      done();
    }
    function stop(): void {
      clearTimeout(timer);
      refuse(signal.reason);
    }
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
