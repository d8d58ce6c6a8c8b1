import createClient, { type Middleware } from 'openapi-fetch';
import { patiently } from './patience';
import type { components, paths } from './schema.gen';

type Schemas = components['schemas'];
export type Task = Schemas['TaskOut'];
export type TaskSummary = Schemas['TaskSummary'];
export type TaskState = Schemas['TaskState'];
export type Job = Schemas['JobOut'];
export type TaskEvent = Schemas['EventOut'];
export type Attempt = Schemas['AttemptOut'];
export type Result = Schemas['ResultOut'];
export type Shard = Schemas['ShardOut'];
export type Explanation = Schemas['Explanation'];
export type Graph = Schemas['Graph'];
export type Operation = Schemas['OperationOut'];
export type Key = Schemas['KeyOut'];
export type Project = Schemas['ProjectOut'];
export type Source = Schemas['SourceOut'];
export type Retention = Schemas['RetentionOut'];
export type RetentionIn = Schemas['RetentionIn'];
export type Shape = Schemas['MappingIn'];
export type Incoming = Schemas['IncomingOut'];
export type DryRunOut = Schemas['DryRunOut'];
export type Sending = Schemas['SendingOut'];
export type Delivery = Schemas['DeliveryOut'];
export type Hook = Schemas['HookDetail'];
export type HookFilter = Schemas['EventFilter'];
export type Likely = Schemas['Likely'];
export type Queue = Schemas['QueueOut'];
export type Me = Schemas['Me'];
export type About = Schemas['About'];
export type BulkVerb = Schemas['BulkIn']['verb'];
export type FieldProblem = Schemas['FieldProblem'];
export type TaskQuery = NonNullable<paths['/v1/tasks']['get']['parameters']['query']>;

/** What went wrong, as the server put it; status 0: it was not reached. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: FieldProblem[];

  constructor(status: number, code: string, message: string, errors: FieldProblem[] = []) {
    super(message);
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.errors = errors;
  }
}

/** Where the server is; behind a proxy it may stand below a path. */
export const base = new URL(document.baseURI).href.replace(/\/$/, '');

/** What goes with every change; a page of another site cannot know it. */
let token: string | null = null;
let onRefused: () => void = () => undefined;

export function holdToken(next: string | null): void {
  token = next;
}

/** Calls this when the server no longer knows who we are. */
export function whenRefused(call: () => void): void {
  onRefused = call;
}

/** The problem that a response tells of. */
export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text();
  try {
    const said = JSON.parse(text) as Schemas['Problem'];
    const words = said.detail ? `${said.title} ${said.detail}` : said.title;
    return new Problem(response.status, said.code, words, said.errors ?? []);
  } catch {
    return new Problem(response.status, 'unreadable', `The server answered ${response.status}.`);
  }
}

const manners: Middleware = {
  onRequest({ request }) {
    if (token !== null && request.method !== 'GET') request.headers.set('X-CSRF-Token', token);
    return request;
  },
  async onResponse({ response }) {
    if (response.ok) return;
    const problem = await problemOf(response);
    if (problem.status === 401) onRefused();
    throw problem;
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === 'AbortError') return undefined;
    return new Problem(0, 'unreachable', 'The server does not answer. Is it running, and are you online?');
  },
};

export const api = createClient<paths>({ baseUrl: base, fetch: patiently });
api.use(manners);

/** The data of an answer; a missing one is the server's mistake. */
export async function said<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  if (data === undefined) throw new Problem(0, 'empty', 'The server answered without saying anything.');
  return data;
}

/** A number that no other request has, so that a repeated click is one command. */
export function once(): { 'Idempotency-Key': string } {
  const random = crypto.getRandomValues(new Uint32Array(4));
  return { 'Idempotency-Key': [...random].map((n) => n.toString(36)).join('-') };
}
