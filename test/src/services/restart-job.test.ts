import { describe, expect, test } from 'vitest';
import { AGAIN_MS } from '../../../src/services/active.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { restartUnit, stopUnit, unitFault } from '../../../src/services/restart-job.ts';
import type { Systemctl, UnitState } from '../../../src/services/systemctl.ts';
import type { UnitPlan } from '../../../src/services/unit.ts';
import { NEVER, testClock } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { NOT_FOUND, OLD as FORMER, RUNNING } from '../support/unit-states.ts';

const OLD: UnitState = { ...FORMER, stopMs: 90_000 };
const STOPPED: UnitState = { ...OLD, active: 'inactive', sub: 'dead', hasJob: false };
const STOPPING: UnitState = { ...OLD, active: 'deactivating', sub: 'stop-sigterm', hasJob: true };
const PLAN: UnitPlan = { name: 'kubelet', required: true, deadlineMs: 2000, settleMs: 0 };

/** @param after the unit's states after the restart, in turn; the last one stays */
function setUp(before: UnitState, after: UnitState[], refusal?: AgentError) {
  const calls: string[] = [];
  const clock = testClock();
  const systemctl: Pick<Systemctl, 'show' | 'resetFailed' | 'restart'> = {
    show: async () => {
      const isBefore = !calls.includes('restart');
      return await Promise.resolve(
        isBefore ? before : ((after.length > 1 ? after.shift() : after[0]) ?? before),
      );
    },
    resetFailed: async () => {
      await Promise.resolve(calls.push('reset'));
    },
    restart: async () => {
      await Promise.resolve(calls.push('restart'));
      if (refusal) throw refusal;
    },
  };
  const restart = async (plan = PLAN): Promise<boolean> =>
    await restartUnit(plan, { clock, systemctl }, NEVER);
  return { calls, clock, restart };
}

describe('a restart', () => {
  test('resets the start limit first, and waits until the former process has ended', async () => {
    const { calls, clock, restart } = setUp(OLD, [STOPPING, STOPPING, RUNNING]);
    expect(await restart()).toBe(true);
    expect(calls).toEqual(['reset', 'restart']);
    expect(clock.sleeps).toHaveLength(2);
  });

  test("allows each of the three steps of a stop the unit's stop time", async () => {
    const { clock, restart } = setUp(OLD, [STOPPING]);
    expect(await agentErrorOf(restart())).toMatchObject({ code: 'unit' });
    expect(clock.elapsed() - AGAIN_MS).toBe(3 * OLD.stopMs + PLAN.deadlineMs);
  });

  test('limits the wait for a unit without a stop time-out', async () => {
    const { clock, restart } = setUp({ ...OLD, stopMs: Number.POSITIVE_INFINITY }, [STOPPING]);
    expect(await agentErrorOf(restart())).toMatchObject({ code: 'unit' });
    expect(clock.elapsed() - AGAIN_MS).toBe(PLAN.deadlineMs);
  });

  test('fails if the former process continues and systemd has no job left', async () => {
    const { clock, restart } = setUp(OLD, [OLD]);
    expect(await agentErrorOf(restart())).toMatchObject({ code: 'unit' });
    expect(clock.sleeps).toEqual([]);
  });
});

const stopping = (before: UnitState, ...after: UnitState[]) => {
  const calls: string[] = [];
  const clock = testClock();
  const systemctl: Pick<Systemctl, 'show' | 'stop'> = {
    show: async () =>
      await Promise.resolve(
        calls.length === 0 ? before : ((after.length > 1 ? after.shift() : after[0]) ?? before),
      ),
    stop: async (unit) => {
      await Promise.resolve(calls.push(unit));
    },
  };
  return { calls, clock, stop: async () => await stopUnit(PLAN, { clock, systemctl }, NEVER) };
};

describe('a stop', () => {
  test('waits until the unit has ended', async () => {
    const { calls, clock, stop } = stopping(OLD, STOPPING, STOPPING, STOPPED);
    expect(await stop()).toBe(true);
    expect(calls).toEqual([PLAN.name]);
    expect(clock.sleeps).toHaveLength(2);
  });

  test('is not asked of a unit that does not run', async () => {
    const { calls, stop } = stopping(STOPPED);
    expect(await stop()).toBe(false);
    expect(calls).toEqual([]);
  });

  test('fails if the unit does not end within its time', async () => {
    const { clock, stop } = stopping(OLD, STOPPING);
    expect(await agentErrorOf(stop())).toMatchObject({ code: 'unit', reason: 'unit-hangs' });
    expect(clock.elapsed() - AGAIN_MS).toBe(3 * OLD.stopMs + PLAN.deadlineMs);
  });
});

describe('a restart that systemd refuses', () => {
  const refusal = new AgentError('unit', 'exit code 5');

  test('is skipped on a node without such a unit if the unit is optional', async () => {
    const { restart } = setUp(NOT_FOUND, [NOT_FOUND], refusal);
    expect(await restart({ ...PLAN, required: false })).toBe(false);
  });

  test('fails if the layout requires the unit', async () => {
    const { restart } = setUp(NOT_FOUND, [NOT_FOUND], refusal);
    const error = await agentErrorOf(restart());
    expect(error.code).toBe('unit');
    expect(error.cause).toBeUndefined();
  });

  test("keeps systemd's words as the cause", async () => {
    const { restart } = setUp(OLD, [OLD], refusal);
    expect(await agentErrorOf(restart())).toMatchObject({ code: 'unit', cause: refusal });
  });
});

test.each([
  ['masked', true, 'unit-masked'],
  ['masked', false, 'unit-masked'],
  ['bad-setting', false, 'unit-file-faulty'],
  ['error', false, 'unit-file-faulty'],
  ['not-found', true, 'unit-missing'],
  ['not-found', false, undefined],
  ['loaded', true, undefined],
])('gives a unit that is %s (required: %s) the fault %s', (load, required, code) => {
  expect(unitFault({ ...PLAN, required }, { ...OLD, load })?.code).toBe(code);
});
