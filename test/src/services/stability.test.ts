import { expect, test } from 'vitest';
import type { ServiceHands, UnitSnapshot } from '../../../src/services/restart.ts';
import { remainingSettleMs, seeStable } from '../../../src/services/stability.ts';
import type { UnitState } from '../../../src/services/systemctl.ts';
import type { UnitPlan } from '../../../src/services/unit.ts';
import { NEVER, testClock } from '../support/clock.ts';
import { faultIn } from '../support/outcome-of.ts';
import { RUNNING as FRESH } from '../support/unit-states.ts';

const RUNNING: UnitState = { ...FRESH, restarts: 1 };
const PROBE = { host: '127.0.0.1', port: 1, file: '/x' };

const snapshot = (over: Partial<UnitPlan> = {}, at = 0): UnitSnapshot => ({
  plan: { name: 'kube-proxy', required: false, deadlineMs: 9000, settleMs: 2000, ...over },
  invocation: 'e6f1',
  restarts: 1,
  before: 1,
  at,
  renewal: undefined,
  ended: undefined,
});

const refuse = async (): Promise<never> => await Promise.reject(new Error('not used in this test'));

/** Makes hands with these unit states in turn; the last one stays. */
const hands = (...states: Partial<UnitState>[]): ServiceHands => ({
  systemctl: {
    show: async () =>
      await Promise.resolve({ ...RUNNING, ...(states.length > 1 ? states.shift() : states[0]) }),
    settings: refuse,
    resetFailed: refuse,
    restart: refuse,
    stop: refuse,
    isGoingDown: refuse,
  },
  clock: testClock(),
  presented: refuse,
  heldConnections: refuse,
  askHealth: refuse,
  expected: refuse,
  fingerprint: () => '',
  seeAccepted: async () => await Promise.resolve(undefined),
  readRenewal: refuse,
  notice: () => undefined,
});

test('waits once for all units: the longest wait of those whose port cannot be checked', () => {
  expect(remainingSettleMs([], 5000)).toBe(0);
  expect(remainingSettleMs([snapshot({}, 1000)], 1500)).toBe(1500);
  expect(remainingSettleMs([snapshot({}, 1000), snapshot({ settleMs: 9000 }, 1000)], 1500)).toBe(8500);
  expect(
    remainingSettleMs([snapshot({}, 1000), snapshot({ settleMs: 9000, probe: PROBE }, 1000)], 1500),
  ).toBe(1500);
  expect(remainingSettleMs([snapshot({}, 1000)], 3500)).toBe(0);
});

test('accepts a unit that was up all the time, also while it reloads', async () => {
  const found = snapshot();
  expect(await seeStable(found, hands({}), NEVER)).toBe(found);
  await seeStable(snapshot(), hands({ active: 'reloading', sub: 'reload' }), NEVER);
});

test.each([
  [{ active: 'failed', sub: 'failed', result: 'exit-code' }, 'unit-ended'],
  [{ active: 'inactive', sub: 'dead' }, 'unit-ended'],
  [{ active: 'activating', sub: 'auto-restart', result: 'exit-code' }, 'unit-ended'],
  [{ load: 'not-found', active: 'inactive', sub: 'dead' }, 'unit-ended'],
  [{ invocation: 'b20c', restarts: 3 }, 'unit-restarted'],
  [{ invocation: 'b20c' }, 'unit-exchanged'],
])('rejects a unit whose state is %j', async (state, reason) => {
  expect(await faultIn(seeStable(snapshot(), hands(state), NEVER))).toEqual({ code: 'unit', reason });
});

test('accepts a restart by others of a unit that has presented its certificate, but not one by systemd', async () => {
  const proven = snapshot({ probe: PROBE });
  await seeStable(proven, hands({ invocation: 'b20c', restarts: 0 }), NEVER);
  const fault = await faultIn(seeStable(proven, hands({ invocation: 'b20c', restarts: 2 }), NEVER));
  expect(fault).toEqual({ code: 'unit', reason: 'unit-restarted' });
});

test('accepts a systemd that reports neither invocations nor restarts', async () => {
  const old = { ...snapshot(), invocation: '', restarts: 0 };
  await seeStable(old, hands({ invocation: '', restarts: 0 }), NEVER);
});

const CLIENT = snapshot({ kubeconfig: '/etc/kubernetes/admin.conf' });
const AGAIN = { active: 'activating', sub: 'auto-restart', result: 'exit-code' };

test.each<[string, Partial<UnitState>[]]>([
  ['waits to be started again', [AGAIN, { ...AGAIN, restarts: 2 }, { invocation: 'b20c', restarts: 2 }]],
  ['has been started again', [{ invocation: 'b20c', restarts: 2 }]],
])('proves a unit again that uses the Kubernetes API and %s', async (_, states) => {
  expect(await seeStable(CLIENT, hands(...states), NEVER)).toMatchObject({ invocation: 'b20c', restarts: 2 });
});

test.each<[string, Partial<UnitState>, string]>([
  ['has been started again and again', { invocation: 'b20c', restarts: 4 }, 'unit-restarted'],
  ['has ended', { active: 'failed', sub: 'failed', result: 'exit-code' }, 'unit-ended'],
  ['was restarted by others', { invocation: 'b20c' }, 'unit-exchanged'],
])('rejects a unit that uses the Kubernetes API and %s', async (_, state, reason) => {
  expect(await faultIn(seeStable(CLIENT, hands(state), NEVER))).toEqual({ code: 'unit', reason });
});
