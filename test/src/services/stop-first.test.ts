import { expect, test } from 'vitest';
import { stopForAnother } from '../../../src/services/stop-first.ts';
import type { UnitPlan } from '../../../src/services/unit.ts';
import { NEVER, testClock } from '../support/clock.ts';
import { OLD } from '../support/unit-states.ts';

const probe = { host: '127.0.0.1', port: 6443, file: '/etc/x.crt' };
const PLAN: UnitPlan = { name: 'api', required: true, deadlineMs: 2000, settleMs: 0, probe };

test.each([
  [true, 7],
  [undefined, undefined],
] as const)('counts the connections that the stop ends, if asked to: %s', async (countsHeld, ended) => {
  const stops: string[] = [];
  const hands = {
    clock: testClock(),
    systemctl: {
      show: async () =>
        await Promise.resolve(stops.length > 0 ? { ...OLD, active: 'inactive', hasJob: false } : OLD),
      stop: async (unit: string) => {
        await Promise.resolve(stops.push(unit));
      },
    },
    heldConnections: async (port: number) =>
      await Promise.resolve(port === probe.port && stops.length === 0 ? 7 : 0),
  };
  const plan = { ...PLAN, ...(countsHeld && { countsHeld }) };
  expect(await stopForAnother(plan, hands, NEVER)).toBe(ended);
  expect(stops).toEqual(['api']);
});
