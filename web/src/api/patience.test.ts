import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { patiently, spentFor, waitOf } from './patience';

const answers: Response[] = [];
const asked: number[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  asked.length = 0;
  vi.stubGlobal('fetch', async () => {
    asked.push(Date.now());
    return answers.shift() ?? new Response('{}');
  });
});

afterEach(() => {
  vi.advanceTimersByTime(100_000);
  vi.unstubAllGlobals();
});

const refusal = (seconds: string) => new Response('{}', { status: 429, headers: { 'Retry-After': seconds } });
const request = (method = 'GET') => new Request('http://here/v1/counts', { method });

test('what was too much is asked again when the server says so', async () => {
  answers.push(refusal('3'));
  const begun = Date.now();
  const answer = patiently(request());
  await vi.advanceTimersByTimeAsync(2_900);
  expect(asked).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(200);
  expect((await answer).status).toBe(200);
  expect((asked[1] ?? 0) - begun).toBe(3_000);
});

test('nothing else is asked meanwhile', async () => {
  answers.push(refusal('3'));
  const first = patiently(request());
  await vi.advanceTimersByTimeAsync(1);
  const second = patiently(request());
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(3_000);
  await Promise.all([first, second]);
  expect(asked).toHaveLength(3);
});

test('whoever clicked is told rather than kept waiting', async () => {
  answers.push(refusal('30'));
  expect((await patiently(request('POST'))).status).toBe(429);
  expect(asked).toHaveLength(1);
});

test('it is not asked for ever', async () => {
  answers.push(refusal('1'), refusal('1'), refusal('1'), refusal('1'));
  const answer = patiently(request());
  await vi.advanceTimersByTimeAsync(10_000);
  expect((await answer).status).toBe(429);
  expect(asked).toHaveLength(3);
  answers.length = 0;
});

test('a limit that is used up holds the next request back', () => {
  const spent = new Response('', { headers: { RateLimit: '"default";r=0;t=12' } });
  expect(spentFor(spent)).toBe(12_000);
  expect(spentFor(new Response('', { headers: { RateLimit: '"default";r=7;t=12' } }))).toBe(0);
  expect(waitOf(new Response(''))).toBe(1_000);
});
