import { describe, expect, test } from 'vitest';
import {
  AGAIN_MS,
  becomeActive,
  endOf,
  hasEnded,
  isUp,
  refuseLoop,
  RESTARTS_TOLERATED,
} from '../../../src/services/active.ts';
import type { Systemctl, UnitState } from '../../../src/services/systemctl.ts';
import { NEVER, testClock } from '../support/clock.ts';
import { agentErrorOf, thrownBy } from '../support/outcome-of.ts';
import { FAILED, RUNNING, STARTING } from '../support/unit-states.ts';

/** Waits for a unit with these states in turn; the last one stays. */
function waitFor(states: UnitState[], before = 0) {
  const clock = testClock();
  const systemctl: Pick<Systemctl, 'show'> = {
    show: async () => await Promise.resolve((states.length > 1 ? states.shift() : states[0]) ?? RUNNING),
  };
  return { clock, done: becomeActive('etcd', 1000, before, { clock, systemctl }, NEVER) };
}

describe('a unit that was started', () => {
  test('is polled until it is active', async () => {
    const { clock, done } = waitFor([STARTING, STARTING, RUNNING]);
    expect(await done).toBe(RUNNING);
    expect(clock.sleeps).toEqual([AGAIN_MS, AGAIN_MS]);
  });

  test('fails at once when it has ended', async () => {
    const { clock, done } = waitFor([STARTING, FAILED]);
    expect(await agentErrorOf(done)).toMatchObject({ code: 'unit' });
    expect(clock.sleeps).toHaveLength(1);
  });

  test('has not ended while systemd has a job for it', async () => {
    expect(await waitFor([{ ...FAILED, hasJob: true }, RUNNING]).done).toBe(RUNNING);
  });

  test('fails at the first poll after the deadline', async () => {
    const { clock, done } = waitFor([STARTING]);
    expect(await agentErrorOf(done)).toMatchObject({ code: 'unit' });
    expect(clock.elapsed() - AGAIN_MS).toBe(1000);
  });

  test('fails when it is active but was restarted too often', async () => {
    const { done } = waitFor([{ ...RUNNING, restarts: 8 }], 5);
    expect(await agentErrorOf(done)).toMatchObject({ code: 'unit' });
  });
});

test.each([
  [7, 7 - RESTARTS_TOLERATED, false],
  [7, 6 - RESTARTS_TOLERATED, true],
  // systemctl reset-failed resets the counter.
  [0, 9, false],
])('counts the restarts since the start began: %i after %i', (restarts, before, isRefused) => {
  const look = (): void => {
    refuseLoop('etcd', { ...RUNNING, restarts }, before);
  };
  if (isRefused) expect(thrownBy(look)).toMatchObject({ code: 'unit' });
  else expect(look).not.toThrow();
});

test.each([
  ['active', true, false],
  ['reloading', true, false],
  ['refreshing', true, false],
  ['activating', false, false],
  ['deactivating', false, false],
  ['failed', false, true],
  ['inactive', false, true],
])('a unit that is %s', (active, up, ended) => {
  expect(isUp({ active })).toBe(up);
  expect(hasEnded({ ...RUNNING, active })).toBe(ended);
  expect(hasEnded({ ...RUNNING, active, hasJob: true })).toBe(false);
});

test('keeps the failed probe of an ended unit as the cause', () => {
  const cause = new Error('connection refused');
  expect(endOf('etcd', FAILED, cause)).toMatchObject({ code: 'unit', cause });
  expect(endOf('etcd', FAILED).cause).toBeUndefined();
});
