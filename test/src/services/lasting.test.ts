import { expect, test } from 'vitest';
import { lasts, settlesInMs, type Standing } from '../../../src/services/lasting.ts';
import type { Systemctl, UnitState } from '../../../src/services/systemctl.ts';
import type { UnitPlan } from '../../../src/services/unit.ts';
import { NEVER } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const RUNNING: UnitState = {
  load: 'loaded',
  active: 'active',
  sub: 'running',
  result: 'success',
  invocation: 'e6f1',
  restarts: 1,
  mainPid: '4711',
  startedAt: '81000000',
};
const PROBE = { host: '127.0.0.1', port: 1, file: '/x' };

const standing = (over: Partial<UnitPlan> = {}, at = 0): Standing => ({
  plan: { unit: 'kube-proxy', required: false, deadlineMs: 9000, settleMs: 2000, ...over },
  invocation: 'e6f1',
  restarts: 1,
  at,
});

const systemctl = (state: Partial<UnitState>): Systemctl => ({
  show: async () => await Promise.resolve({ ...RUNNING, ...state }),
  resetFailed: async () => await Promise.reject(new Error('nobody resets anything here')),
  restart: async () => await Promise.reject(new Error('nobody restarts anything here')),
  isGoingDown: async () => await Promise.resolve(false),
});

test('one wait serves all units: the longest of those whose port cannot be asked', () => {
  expect(settlesInMs([], 5000)).toBe(0);
  expect(settlesInMs([standing({}, 1000)], 1500)).toBe(1500);
  expect(settlesInMs([standing({}, 1000), standing({ settleMs: 9000 }, 1000)], 1500)).toBe(8500);
  expect(settlesInMs([standing({}, 1000), standing({ settleMs: 9000, probe: PROBE }, 1000)], 1500)).toBe(
    1500,
  );
  expect(settlesInMs([standing({}, 1000)], 3500)).toBe(0);
});

test('a unit that has been up all the time lasts, also while it reloads', async () => {
  await lasts(standing(), systemctl({}), NEVER);
  await lasts(standing(), systemctl({ active: 'reloading', sub: 'reload' }), NEVER);
});

test.each([
  [{ active: 'failed', sub: 'failed', result: 'exit-code' }, 'failed (failed), result exit-code'],
  [{ active: 'inactive', sub: 'dead' }, 'inactive (dead), result success'],
  [{ active: 'activating', sub: 'auto-restart', result: 'exit-code' }, 'activating (auto-restart)'],
  [{ load: 'not-found', active: 'inactive', sub: 'dead' }, 'inactive (dead)'],
  [{ invocation: 'b20c', restarts: 3 }, 'systemd has had to start it again (2 times)'],
  [{ invocation: 'b20c' }, 'started again by somebody else'],
])('a unit of which systemd says %j does not', async (state, words) => {
  const error = await agentErrorOf(lasts(standing(), systemctl(state), NEVER));
  expect(error.code).toBe('unit');
  expect(error.message).toContain('the unit kube-proxy did not last: ');
  expect(error.message).toContain(words);
});

test('one that has shown its certificate may be restarted by somebody, but not by its own end', async () => {
  const proven = standing({ probe: PROBE });
  await lasts(proven, systemctl({ invocation: 'b20c', restarts: 0 }), NEVER);
  const error = await agentErrorOf(lasts(proven, systemctl({ invocation: 'b20c', restarts: 2 }), NEVER));
  expect(error.message).toContain('(1 time)');
});

test('a systemd that knows neither invocations nor restarts is believed', async () => {
  const old = { ...standing(), invocation: '', restarts: 0 };
  await lasts(old, systemctl({ invocation: '', restarts: 0 }), NEVER);
});
