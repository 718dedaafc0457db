import { expect, test } from 'vitest';
import { watchMasters } from '../../../agent/peers/watch-masters.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { createRetry } from '../../../src/base/retry.ts';
import { createHands } from '../../fakes/hands.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';

const MINUTE = 60_000;

/** Watches masters of which some are lost, by the time in milliseconds since the first look. */
async function watching(lostAt: (elapsedMs: number) => readonly string[]) {
  const { hands, clock, log } = await createHands();
  // With jitter, a rest of the 10 minutes is too short for another wait.
  const retry = createRetry({ clock, random: () => 0.77, onRetry: () => undefined });
  const watch = watchMasters(async () => await Promise.resolve(lostAt(clock.elapsed())), { ...hands, retry });
  return {
    watch,
    unwell: () => logged(log, 'masters-unwell').map(({ peers }) => peers),
    /** Returns how long one wait takes. */
    waits: async () => {
      const from = clock.elapsed();
      await watch(NEVER);
      return clock.elapsed() - from;
    },
  };
}

test('does not wait while every master is well', async () => {
  const { waits, unwell } = await watching(() => []);
  expect(await waits()).toBe(0);
  expect(unwell()).toEqual([]);
});

test('waits until a lost master is back', async () => {
  const { waits, unwell } = await watching((elapsed) => (elapsed < MINUTE ? ['m1'] : []));
  const waited = await waits();
  expect(waited).toBeGreaterThanOrEqual(MINUTE);
  expect(waited).toBeLessThan(MINUTE + 5000);
  expect(unwell()).toEqual([]);
});

test('waits 10 minutes in one turn at most, and names the lost masters once', async () => {
  const { waits, unwell } = await watching(() => ['m1', 'm2']);
  const first = await waits();
  expect(first).toBeGreaterThan(9 * MINUTE);
  expect(first).toBeLessThanOrEqual(10 * MINUTE);
  expect(await waits()).toBe(0);
  expect(await waits()).toBe(0);
  expect(unwell()).toEqual([['m1', 'm2']]);
});

test('a wait that was answered counts against that limit', async () => {
  let back = true;
  const { waits } = await watching((elapsed) => (back && elapsed >= 8 * MINUTE ? [] : ['m1']));
  expect(await waits()).toBeGreaterThanOrEqual(8 * MINUTE);
  back = false;
  expect(await waits()).toBeLessThanOrEqual(2 * MINUTE);
});

test('stops with the program, and with an error of the look', async () => {
  const { watch } = await watching(() => ['m1']);
  expect(await agentErrorOf(watch(AbortSignal.abort()))).toMatchObject({ code: 'aborted' });
  const { watch: broken } = await watching(() => {
    throw new AgentError('disk', 'reading a certificate');
  });
  expect(await agentErrorOf(broken(NEVER))).toMatchObject({ code: 'disk' });
});
