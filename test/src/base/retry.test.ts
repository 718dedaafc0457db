import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError, type ErrorCode } from '../../../src/base/errors.ts';
import { createRetry, describeAttempt } from '../../../src/base/retry.ts';
import { NEVER, testClock } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const unreachable = (retryAfterMs?: number): AgentError =>
  new AgentError('cloud-unreachable', 'no answer', retryAfterMs === undefined ? {} : { retryAfterMs });

const X = { code: 'log-in', text: 'x' } as const;

/** Sets up a retry whose attempts fail with the listed errors and then succeed. */
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

test('waits between zero and a ceiling, which doubles up to the cap', async () => {
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

test('jitters over the whole range', async () => {
  const run = setUp([unreachable(), unreachable(), unreachable()], () => 0.5);
  await run.retry(X, { baseMs: 100, capMs: 300, forMs: 10_000 }, NEVER, run.attempt);
  expect(run.clock.sleeps).toEqual([50, 100, 150]);
  expect(run.told).toEqual([50, 100, 150]);
});

test('retries no sooner than Retry-After asks', async () => {
  const run = setUp([unreachable(7000)], () => 0);
  await run.retry(X, { baseMs: 1, capMs: 1, forMs: 10_000 }, NEVER, run.attempt);
  expect(run.clock.sleeps).toEqual([7000]);
});

test('starts no attempt after the patience has ended, and throws the last error', async () => {
  const errors = Array.from({ length: 50 }, () => unreachable());
  const run = setUp(errors);
  const error = await agentErrorOf(
    run.retry(X, { baseMs: 1000, capMs: 1000, forMs: 4500 }, NEVER, run.attempt),
  );
  expect(run.attempts()).toBe(5);
  expect(run.clock.elapsed()).toBe(4000);
  expect(error).toBe(errors[4]);
});

test('does not wait for a Retry-After beyond the patience', async () => {
  const run = setUp([unreachable(60_000)]);
  await agentErrorOf(run.retry(X, { baseMs: 1, capMs: 1, forMs: 10_000 }, NEVER, run.attempt));
  expect(run.clock.sleeps).toEqual([]);
});

test.each(['cloud-refused', 'unauthorized', 'too-large', 'bad-certificate', 'aborted'] satisfies ErrorCode[])(
  'does not retry %s',
  async (code) => {
    const run = setUp([new AgentError(code, 'no')]);
    await agentErrorOf(run.retry(X, { baseMs: 1, capMs: 1, forMs: 10_000 }, NEVER, run.attempt));
    expect(run.attempts()).toBe(1);
  },
);

test('retries after a malformed answer: the next may be well-formed', async () => {
  const run = setUp([new AgentError('bad-answer', 'a page of HTML')]);
  await run.retry(X, { baseMs: 1, capMs: 1, forMs: 10_000 }, NEVER, run.attempt);
  expect(run.attempts()).toBe(2);
});

test('does not retry after an abort, and interrupts a wait', async () => {
  const before = setUp([unreachable()]);
  const stopped = await agentErrorOf(
    before.retry(X, { baseMs: 1, capMs: 1, forMs: 10_000 }, AbortSignal.abort(), before.attempt),
  );
  // The result must not look like the peer's final answer.
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

test('names a failed attempt once, by the task of its error if it has one', () => {
  const answered = new AgentError('cloud-unreachable', '503', { task: 'logging in' });
  expect(describeAttempt({ text: 'sign' }, answered)).toEqual({ what: 'logging in', why: '503' });
  expect(describeAttempt({ text: 'sign' }, unreachable())).toEqual({ what: 'sign', why: 'no answer' });
});
