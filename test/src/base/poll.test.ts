import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { pollUntil } from '../../../src/base/poll.ts';
import { NEVER, testClock } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const LATE = { code: 'proof', reason: 'late', what: 'the port does not answer in time' } as const;

const missed = (look: number): string => `look ${look} saw nothing`;

/** Makes a probe that misses a number of times. */
function probeThatMisses(times: number): { probe: () => Promise<string>; looks: () => number } {
  let looks = 0;
  return {
    probe: async () => {
      await Promise.resolve();
      looks += 1;
      if (looks <= times) throw new AgentError('not-yet', missed(looks));
      return 'there';
    },
    looks: () => looks,
  };
}

test('probes again until the probe returns, with equal waits', async () => {
  const clock = testClock();
  const { probe } = probeThatMisses(3);
  expect(await pollUntil({ clock, everyMs: 200, deadline: 10_000, late: LATE }, NEVER, probe)).toBe('there');
  expect(clock.sleeps).toEqual([200, 200, 200]);
});

test('throws the last miss at the deadline', async () => {
  const clock = testClock();
  const { probe, looks } = probeThatMisses(Infinity);
  const error = await agentErrorOf(
    pollUntil({ clock, everyMs: 400, deadline: clock.elapsed() + 1000, late: LATE }, NEVER, probe),
  );
  expect(error).toMatchObject({ code: 'proof', reason: LATE.reason, cause: { code: 'not-yet' } });
  expect(error.message).toBe(`${LATE.what}: ${missed(4)}`);
  expect(looks()).toBe(4);
});

test('throws an error at once if waiting cannot fix it', async () => {
  const clock = testClock();
  const broken = new AgentError('unit', 'it has ended');
  const error = await agentErrorOf(
    pollUntil({ clock, everyMs: 200, deadline: 10_000, late: LATE }, NEVER, async () => {
      await Promise.resolve();
      throw broken;
    }),
  );
  expect(error).toBe(broken);
  expect(clock.sleeps).toEqual([]);
});

test('stops waiting on an abort', async () => {
  const stop = new AbortController();
  const error = await agentErrorOf(
    pollUntil({ clock: testClock(), everyMs: 200, deadline: Infinity, late: LATE }, stop.signal, async () => {
      await Promise.resolve();
      stop.abort(new AgentError('aborted', 'stopped'));
      throw new AgentError('not-yet', 'nothing yet');
    }),
  );
  expect(error).toMatchObject({ code: 'aborted' });
});
