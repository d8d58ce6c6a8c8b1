import { api, base, Problem, problemOf, type TaskEvent } from './client';
import { readFrames } from './frames';

/** How the connection to the feed stands. */
export type Standing = 'connecting' | 'live' | 'waiting' | 'paused' | 'off';

export interface Batch {
  events: TaskEvent[];
  /** Everything may have changed: more than we follow went by, or another database answers. */
  reset: boolean;
}

type Listener = (batch: Batch) => void;

/** The server says something every 15 seconds; a connection that is silent for longer is dead. */
const SILENCE_MS_MAX = 40_000;
/** What comes in a burst is told at once. */
const BATCH_MS = 250;
/** Behind by more than this, following is slower than reading anew. */
const BEHIND_MAX = 5_000;
const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15_000];
/** A hidden tab lets its connection go after this: browsers share six among all tabs. */
const HIDDEN_MS = 5_000;

/** Follows the change feed for the whole page, and never loses its place. */
export class Live {
  standing: Standing = 'off';
  /** When the server was last heard. */
  heardAt = 0;
  private position = 0;
  private listeners = new Set<Listener>();
  private watchers = new Set<() => void>();
  private run = 0;
  private asked: AbortController | null = null;
  private wake: (() => void) | null = null;
  private hiddenTimer: ReturnType<typeof setTimeout> | undefined;
  private wanted = false;
  private gathered: TaskEvent[] = [];
  private gathering: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    document.addEventListener('visibilitychange', () => this.onVisibility());
    // A stream that is open does not notice by itself that the network is gone.
    window.addEventListener('offline', () => this.asked?.abort());
    window.addEventListener('online', () => this.hurry());
    window.addEventListener('pageshow', () => this.hurry());
  }

  /** Begin to follow behind this position. */
  start(position: number): void {
    this.position = position;
    this.wanted = true;
    this.begin();
  }

  stop(): void {
    this.wanted = false;
    this.end('off');
  }

  pause(): void {
    this.wanted = false;
    this.end('paused');
  }

  resume(): void {
    if (this.wanted) return;
    this.wanted = true;
    this.begin();
  }

  /** Try at once, when the network or the lid has come back. */
  hurry(): void {
    if (this.wanted && document.visibilityState === 'visible') {
      if (this.wake) this.wake();
      else if (this.standing !== 'live') this.begin();
    }
  }

  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  private onVisibility(): void {
    clearTimeout(this.hiddenTimer);
    if (document.visibilityState === 'hidden') {
      this.hiddenTimer = setTimeout(() => this.end(this.wanted ? 'connecting' : this.standing), HIDDEN_MS);
    } else if (this.wanted && this.asked === null) {
      this.begin();
    }
  }

  private begin(): void {
    this.end('connecting');
    this.run += 1;
    void this.follow(this.run);
  }

  private end(standing: Standing): void {
    this.run += 1;
    this.asked?.abort();
    this.asked = null;
    this.wake?.();
    this.set(standing);
  }

  private set(standing: Standing): void {
    if (this.standing === standing) return;
    this.standing = standing;
    for (const call of this.watchers) call();
  }

  private async follow(run: number): Promise<void> {
    let failures = 0;
    while (run === this.run) {
      try {
        await this.catchUp(run);
        failures = 0;
        await this.read(run);
      } catch (error) {
        if (run !== this.run) return;
        if (error instanceof Problem && error.status === 401) return this.stop();
        this.set('waiting');
        await this.rest(failures, run);
        failures += 1;
      }
    }
  }

  /** After a break: has the feed gone on, too far to follow, or begun anew? */
  private async catchUp(run: number): Promise<void> {
    const { data } = await api.GET('/v1/about', { signal: this.limit(8_000) });
    if (run !== this.run || !data) return;
    const behind = data.position - this.position;
    if (behind < 0 || behind > BEHIND_MAX) {
      this.position = data.position;
      this.tell({ events: [], reset: true });
    }
    this.hear();
  }

  private async read(run: number): Promise<void> {
    const asked = new AbortController();
    this.asked = asked;
    const response = await fetch(`${base}/v1/feed/stream?after=${this.position}`, {
      headers: { Accept: 'text/event-stream' },
      signal: asked.signal,
      cache: 'no-store',
    });
    if (!response.ok || response.body === null) throw await problemOf(response);
    let silence: ReturnType<typeof setTimeout> | undefined;
    const listen = () => {
      clearTimeout(silence);
      silence = setTimeout(() => asked.abort(), SILENCE_MS_MAX);
    };
    try {
      listen();
      await readFrames(response.body, (frame) => {
        if (run !== this.run) return;
        listen();
        this.hear();
        if (frame.id !== null) this.position = frame.id;
        if (frame.name === 'reset') this.tell({ events: [], reset: true });
        else if (frame.name === 'message' && frame.data) this.gather(JSON.parse(frame.data) as TaskEvent);
      });
    } finally {
      clearTimeout(silence);
    }
    // A stream does not end by itself: the server is going, or has had enough of us.
    if (run === this.run) throw new Problem(0, 'ended', 'The stream ended.');
  }

  private gather(event: TaskEvent): void {
    this.gathered.push(event);
    this.gathering ??= setTimeout(() => {
      const events = this.gathered;
      this.gathered = [];
      this.gathering = undefined;
      this.tell({ events, reset: false });
    }, BATCH_MS);
  }

  private limit(ms: number): AbortSignal {
    this.asked = new AbortController();
    return AbortSignal.any([this.asked.signal, AbortSignal.timeout(ms)]);
  }

  private hear(): void {
    this.heardAt = Date.now();
    this.set('live');
  }

  private tell(batch: Batch): void {
    for (const call of this.listeners) call(batch);
  }

  private rest(failures: number, run: number): Promise<void> {
    const step = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 1000;
    return new Promise((resolve) => {
      const timer = setTimeout(done, step * (0.7 + Math.random() * 0.6));
      const self = this;
      function done(): void {
        clearTimeout(timer);
        if (run === self.run || self.wake === done) self.wake = null;
        resolve();
      }
      this.wake = done;
    });
  }
}

export const live = new Live();
