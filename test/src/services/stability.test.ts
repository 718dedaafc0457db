import { expect, test } from 'vitest';
import { assertStable, remainingSettleMs, type UnitSnapshot } from '../../../src/services/stability.ts';
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

const snapshot = (over: Partial<UnitPlan> = {}, at = 0): UnitSnapshot => ({
  plan: { name: 'kube-proxy', required: false, deadlineMs: 9000, settleMs: 2000, ...over },
  invocation: 'e6f1',
  restarts: 1,
  at,
});

const systemctl = (state: Partial<UnitState>): Systemctl => ({
  show: async () => await Promise.resolve({ ...RUNNING, ...state }),
  settings: async () => await Promise.reject(new Error('nobody asks for settings here')),
  resetFailed: async () => await Promise.reject(new Error('nobody resets anything here')),
  restart: async () => await Promise.reject(new Error('nobody restarts anything here')),
  isGoingDown: async () => await Promise.resolve(false),
});

test('one wait serves all units: the longest of those whose port cannot be asked', () => {
  expect(remainingSettleMs([], 5000)).toBe(0);
  expect(remainingSettleMs([snapshot({}, 1000)], 1500)).toBe(1500);
  expect(remainingSettleMs([snapshot({}, 1000), snapshot({ settleMs: 9000 }, 1000)], 1500)).toBe(8500);
  expect(
    remainingSettleMs([snapshot({}, 1000), snapshot({ settleMs: 9000, probe: PROBE }, 1000)], 1500),
  ).toBe(1500);
  expect(remainingSettleMs([snapshot({}, 1000)], 3500)).toBe(0);
});

test('accepts a unit that has been up all the time, also while it reloads', async () => {
  await assertStable(snapshot(), systemctl({}), NEVER);
  await assertStable(snapshot(), systemctl({ active: 'reloading', sub: 'reload' }), NEVER);
});

test.each([
  [{ active: 'failed', sub: 'failed', result: 'exit-code' }, 'failed (failed), result exit-code'],
  [{ active: 'inactive', sub: 'dead' }, 'inactive (dead), result success'],
  [{ active: 'activating', sub: 'auto-restart', result: 'exit-code' }, 'activating (auto-restart)'],
  [{ load: 'not-found', active: 'inactive', sub: 'dead' }, 'inactive (dead)'],
  [{ invocation: 'b20c', restarts: 3 }, 'systemd has had to start it again (2 times)'],
  [{ invocation: 'b20c' }, 'started again by somebody else'],
])('a unit of which systemd says %j does not', async (state, words) => {
  const error = await agentErrorOf(assertStable(snapshot(), systemctl(state), NEVER));
  expect(error.code).toBe('unit');
  expect(error.message).toContain('the unit kube-proxy did not last: ');
  expect(error.message).toContain(words);
});

test('one that has shown its certificate may be restarted by somebody, but not by its own end', async () => {
  const proven = snapshot({ probe: PROBE });
  await assertStable(proven, systemctl({ invocation: 'b20c', restarts: 0 }), NEVER);
  const error = await agentErrorOf(
    assertStable(proven, systemctl({ invocation: 'b20c', restarts: 2 }), NEVER),
  );
  expect(error.message).toContain('(1 time)');
});

test('a systemd that knows neither invocations nor restarts is believed', async () => {
  const old = { ...snapshot(), invocation: '', restarts: 0 };
  await assertStable(old, systemctl({ invocation: '', restarts: 0 }), NEVER);
});
