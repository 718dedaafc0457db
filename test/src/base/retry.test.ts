import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError, type ErrorCode } from '../../../src/base/errors.ts';
import { createRetry } from '../../../src/base/retry.ts';
import { NEVER, testClock } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const unreachable = (retryAfterMs?: number): AgentError =>
  new AgentError('cloud-unreachable', 'no answer', retryAfterMs === undefined ? {} : { retryAfterMs });

const X = { code: 'log-in', text: 'x' } as const;

/** A retry whose attempts fail with what the list says, then succeed. */
function setUp(fails: readonly AgentError[], random: () => number = () => 1) {
  const clock = testClock();
  const told: number[] = [];
  let attempts = 0;
  const retry = createRetry({ clock, random, onRetry: (_what, _error, ms) => told.push(ms) });
  const attempt = async (): Promise<string> => {
    await Promise.resolve();
    const error = fails[attempts];
    attempts += 1;
    if (error) throw error;
    return 'done';
  };
  return { clock, told, retry, attempt, attempts: () => attempts };
}

test('every wait lies between nothing and its ceiling, which doubles up to the cap', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.double({ min: 0, max: 0.999_999, noNaN: true }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 5000 }),
      fc.integer({ min: 1, max: 60_000 }),
      async (randoms, baseMs, capMs) => {
        let next = 0;
        const run = setUp(
          randoms.map(() => unreachable()),
          () => randoms[next++] ?? 0,
        );
        await run.retry(X, { baseMs, capMs, forMs: Infinity }, NEVER, run.attempt);
        expect(run.clock.sleeps).toHaveLength(randoms.length);
        for (const [index, wait] of run.clock.sleeps.entries()) {
          expect(wait).toBeGreaterThanOrEqual(0);
          expect(wait).toBeLessThanOrEqual(Math.min(capMs, baseMs * 2 ** index));
        }
      },
    ),
  );
});

test('the jitter is full: the whole range is used', async () => {
  const run = setUp([unreachable(), unreachable(), unreachable()], () => 0.5);
  await run.retry(X, { baseMs: 100, capMs: 300, forMs: 10_000 }, NEVER, run.attempt);
  expect(run.clock.sleeps).toEqual([50, 100, 150]);
  expect(run.told).toEqual([50, 100, 150]);
});

test('nothing is tried sooner than the other side asked', async () => {
  const run = setUp([unreachable(7000)], () => 0);
  await run.retry(X, { baseMs: 1, capMs: 1, forMs: 10_000 }, NEVER, run.attempt);
  expect(run.clock.sleeps).toEqual([7000]);
});

test('no attempt starts after the patience has ended; the last error is what is thrown', async () => {
  const errors = Array.from({ length: 50 }, () => unreachable());
  const run = setUp(errors);
  const error = await agentErrorOf(
    run.retry(X, { baseMs: 1000, capMs: 1000, forMs: 4500 }, NEVER, run.attempt),
  );
  expect(run.attempts()).toBe(5);
  expect(run.clock.elapsed()).toBe(4000);
  expect(error).toBe(errors[4]);
});

test('a Retry-After beyond the patience is not waited for', async () => {
  const run = setUp([unreachable(60_000)]);
  await agentErrorOf(run.retry(X, { baseMs: 1, capMs: 1, forMs: 10_000 }, NEVER, run.attempt));
  expect(run.clock.sleeps).toEqual([]);
});

test.each(['cloud-refused', 'unauthorized', 'too-large', 'bad-certificate', 'aborted'] satisfies ErrorCode[])(
  '%s is not tried again',
  async (code) => {
    const run = setUp([new AgentError(code, 'no')]);
    await agentErrorOf(run.retry(X, { baseMs: 1, capMs: 1, forMs: 10_000 }, NEVER, run.attempt));
    expect(run.attempts()).toBe(1);
  },
);

test('what is no answer is tried again: the next may be one', async () => {
  const run = setUp([new AgentError('bad-answer', 'a page of HTML')]);
  await run.retry(X, { baseMs: 1, capMs: 1, forMs: 10_000 }, NEVER, run.attempt);
  expect(run.attempts()).toBe(2);
});

test('nothing is tried again once the program is to stop, and a wait is broken off', async () => {
  const before = setUp([unreachable()]);
  const stopped = await agentErrorOf(
    before.retry(X, { baseMs: 1, capMs: 1, forMs: 10_000 }, AbortSignal.abort(), before.attempt),
  );
  // Nobody may take it for what the other side had to say in the end.
  expect(stopped.code).toBe('aborted');
  expect(before.attempts()).toBe(1);

  const controller = new AbortController();
  const during = setUp([unreachable()]);
  const retry = createRetry({
    clock: during.clock,
    random: () => 1,
    onRetry: () => {
      controller.abort();
    },
  });
  const error = await agentErrorOf(
    retry(X, { baseMs: 1, capMs: 1, forMs: 10_000 }, controller.signal, during.attempt),
  );
  expect(error.code).toBe('aborted');
  expect(during.attempts()).toBe(1);
});
