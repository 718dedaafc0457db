import { describe, expect, test } from 'vitest';
import { checkClock, checkDisk, checkUnit, requireFit } from '../../../agent/inspection/preflight.ts';
import type { Hands } from '../../../agent/hands.ts';
import { AgentError } from '../../../src/base/errors.ts';
import type { UnitState } from '../../../src/services/systemctl.ts';
import type { UnitPlan } from '../../../src/services/unit.ts';
import { createHands } from '../../fakes/hands.ts';
import { NEVER } from '../../src/support/clock.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { FAILED, NOT_FOUND, RUNNING, STARTING, STOPPED } from '../../src/support/unit-states.ts';

const FILE = '/etc/kubernetes/certs/kubelet.crt';
const KIB = 1024;
type Room = Awaited<ReturnType<Hands['disk']['room']>>;
const PLENTY: Room = { device: 1, bytes: 2 ** 30, inodes: 1000, writable: true };

const sealed = async (path: string): Promise<boolean> => await Promise.resolve(path.endsWith('ca.crt'));
const resolve = async (path: string): Promise<string> =>
  await (path === FILE
    ? Promise.reject(new AgentError('disk', 'a loop of symlinks'))
    : Promise.resolve(path));

/** @param state the free space where the agent keeps its state */
async function findingsOn(own: Partial<Room>, state: Partial<Room> = own) {
  const { hands, write } = await createHands();
  await write(FILE, 'old');
  const room = async (directory: string): Promise<Room> =>
    await Promise.resolve({ ...PLENTY, ...(directory.endsWith('/certs') ? own : state) });
  const found = await checkDisk([FILE], { ...hands, disk: { ...hands.disk, room } });
  return found.map(({ verdict, reason }) => reason ?? verdict);
}

describe('the disk', () => {
  test('is not checked if no file is replaced', async () => {
    expect(await checkDisk([], (await createHands()).hands)).toEqual([]);
  });

  // 64 KiB per file, and three times as much for its kept copies.
  test.each([
    ['with one file system', { bytes: 4 * 64 * KIB }, {}, ['good', 'good']],
    ['with one full file system', { bytes: 4 * 64 * KIB - 1 }, {}, ['full', 'good']],
    ['with two', { bytes: 64 * KIB }, { device: 2, bytes: 3 * 64 * KIB }, ['good', 'good']],
    ['with two, the second full', {}, { device: 2, bytes: 3 * 64 * KIB - 1 }, ['good', 'full']],
    ['with inodes', { inodes: 4 }, {}, ['good', 'good']],
    ['with too few inodes', { inodes: 3 }, {}, ['no-inodes', 'good']],
    ['that cannot be written', { writable: false, bytes: 0 }, {}, ['read-only', 'good']],
  ] as const)('%s', async (_, own, state, expected) => {
    expect(await findingsOn(own, state)).toEqual(expected);
  });

  test('with a directory in place of a file, and with a file that cannot be replaced', async () => {
    const { hands, write } = await createHands();
    await write(`${FILE}/x`, '');
    await write('/etc/kubernetes/certs/ca.crt', '');
    const found = await checkDisk([FILE, '/etc/kubernetes/certs/ca.crt'], {
      ...hands,
      disk: { ...hands.disk, sealed },
    });
    const bad = found.filter(({ verdict }) => verdict === 'bad').map(({ of, reason }) => [of, reason]);
    expect(bad).toEqual([
      [FILE, 'not-a-file'],
      ['/etc/kubernetes/certs/ca.crt', 'immutable'],
    ]);
  });

  test('with an unresolvable path: the others are still checked', async () => {
    const { hands } = await createHands();
    const found = await checkDisk([FILE, '/etc/x.crt'], { ...hands, disk: { ...hands.disk, resolve } });
    expect(found[0]).toMatchObject({ of: FILE, verdict: 'bad', reason: 'unreachable' });
    expect(found.map(({ of }) => of)).toContain('/etc');
  });
});

const HOUR = 3_600_000;

// Magnum sets notBefore a day back.
test.each([
  [undefined, []],
  [NaN, []],
  [60_000, ['good']],
  [-60_000, ['good']],
  [60_001, ['warning']],
  [-60_001, ['warning']],
  [-23 * HOUR, ['warning']],
  [-23 * HOUR - 1, ['bad']],
  [48 * HOUR, ['warning']],
])('reports a clock that is %s ms ahead: %j', async (skew, verdicts) => {
  const { hands } = await createHands();
  const found = checkClock({ ...hands, skewMs: () => skew });
  expect(found.map(({ verdict }) => verdict)).toEqual(verdicts);
});

const KUBELET: UnitPlan = { name: 'kubelet', required: true, deadlineMs: 1000, settleMs: 0 };
const unitIn = async (state: UnitState, plan = KUBELET) => {
  const { hands, units } = await createHands();
  units.states.set('kubelet', state);
  return await checkUnit(plan, hands, NEVER);
};

describe('a unit', () => {
  test.each([
    ['that runs is accepted', RUNNING, { verdict: 'good' }],
    ['that is starting is accepted', STARTING, { verdict: 'warning', reason: 'activating' }],
    [
      'that has failed is accepted: the restart repairs it',
      FAILED,
      { verdict: 'bad', reason: 'failed', isMended: true },
    ],
    ['that is missing is a fault', NOT_FOUND, { verdict: 'bad', reason: 'unit-missing' }],
    ['that is masked is a fault', { ...STOPPED, load: 'masked' }, { verdict: 'bad', reason: 'unit-masked' }],
  ])('%s', async (_, state, expected) => {
    expect(await unitIn(state)).toMatchObject([{ id: 'unit', of: 'kubelet', ...expected }]);
  });

  test('that is optional and missing is accepted', async () => {
    expect(await unitIn(NOT_FOUND, { ...KUBELET, required: false })).toMatchObject([{ verdict: 'good' }]);
  });
});

const required = async (state: UnitState, over: Partial<Hands> = {}) => {
  const { hands, units, progress } = await createHands({ over });
  units.states.set('kubelet', state);
  const fault = await faultIn(requireFit([FILE], [KUBELET], hands, NEVER)).catch(() => undefined);
  return { fault, told: progress.flatMap((one) => (one.event === 'notice' ? (one.of ?? '') : [])) };
};

describe('before a rotation', () => {
  test('rejects it for the first problem that would make it fail', async () => {
    const { fault } = await required(NOT_FOUND, { skewMs: () => -24 * HOUR });
    expect(fault).toEqual({ code: 'precondition', reason: 'clock' });
  });

  test('only reports problems that it fixes, and doubtful ones', async () => {
    expect(await required(FAILED, { skewMs: () => 120_000 })).toEqual({
      fault: undefined,
      told: ['clock', 'unit'],
    });
  });
});
