import { expect, test } from 'vitest';
import type { UnitState } from '../../../src/services/systemctl.ts';
import { hasReadNothing, processOf } from '../../../src/services/unit-process.ts';
import { FAILED, NOT_FOUND, RUNNING, STOPPED } from '../support/unit-states.ts';

const isAsFound = (then: UnitState, now: UnitState, required = false): boolean =>
  hasReadNothing(
    { plan: { name: 'kubelet', required, deadlineMs: 9000, settleMs: 0 }, process: processOf(then) },
    now,
  );

test.each<[string, UnitState, UnitState]>([
  ['runs the same process', RUNNING, RUNNING],
  ['runs the same process, which reloads', RUNNING, { ...RUNNING, active: 'reloading' }],
  ['is stopped as before', STOPPED, STOPPED],
  ['was started and stopped again', STOPPED, { ...STOPPED, invocation: 'b20c' }],
  ['has failed as before', FAILED, FAILED],
  ['is still missing', NOT_FOUND, NOT_FOUND],
])('treats a unit as untouched that %s', (_, then, now) => {
  expect(isAsFound(then, now)).toBe(true);
});

test.each<[string, UnitState, UnitState]>([
  ['was started', RUNNING, { ...RUNNING, invocation: 'b20c', mainPid: '4712' }],
  ['was started after a reboot, with the same pid', RUNNING, { ...RUNNING, invocation: 'b20c' }],
  ['has another main process', RUNNING, { ...RUNNING, mainPid: '4712', startedAt: '82000000' }],
  ['has ended', RUNNING, FAILED],
  ['was stopped and is started', STOPPED, RUNNING],
  ['had failed and waits for its next start', FAILED, { ...FAILED, active: 'activating' }],
  ['had failed, and was started in vain', FAILED, { ...FAILED, invocation: 'b20c' }],
  ['was just starting', { ...RUNNING, active: 'activating' }, RUNNING],
  [
    'has no invocation, as before systemd 232',
    { ...RUNNING, invocation: '' },
    { ...RUNNING, invocation: '' },
  ],
])('treats a unit as touched that %s', (_, then, now) => {
  expect(isAsFound(then, now)).toBe(false);
});

test('treats a required unit as touched that ended after its start', () => {
  expect(isAsFound(STOPPED, { ...STOPPED, invocation: 'b20c' }, true)).toBe(false);
});

test('treats a unit without a record as touched', () => {
  const plan = { name: 'kubelet', required: false, deadlineMs: 9000, settleMs: 0 };
  expect(hasReadNothing({ plan }, RUNNING)).toBe(false);
});
