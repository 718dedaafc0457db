import { describe, expect, test } from 'vitest';
import { apply } from '../../../agent/execution/apply.ts';
import type { BeforeRestart } from '../../../agent/peers/turn.ts';
import type { RunRecord } from '../../../agent/plan/run-record.ts';
import type { Journal } from '../../../src/files/journal.ts';
import type { WorkloadsPlan } from '../../../src/services/workloads.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { DONE, FILE, RUN_ID, stageFile, unitPlan } from '../../fakes/generation.ts';
import { createHands, type HandsSpec, type TestHands } from '../../fakes/hands.ts';
import { stepsIn } from '../../scenarios/support/notices.ts';
import { NEVER } from '../../src/support/clock.ts';

const UNITS = [unitPlan('etcd'), unitPlan('kubelet')];

async function createStaged(
  record: Partial<RunRecord> = {},
  over: HandsSpec['over'] = {},
): Promise<TestHands & { journal: Journal }> {
  const test = await createHands({ units: ['etcd', 'kubelet'], over });
  return { ...test, journal: await stageFile(test, record) };
}

const replace = { from: 'replace', lists: [], workloads: undefined } as const;
const run = ({ hands }: TestHands) => ({ runId: RUN_ID, hands, abort: NEVER });

const revert = async (): Promise<never> =>
  await Promise.reject(new AgentError('disk', 'no space', { reason: 'no-space' }));

describe('apply', () => {
  test('replaces files, restarts the units in order, and records the end', async () => {
    const site = await createStaged({ units: UNITS });
    const heard: string[] = [];
    const beforeRestart = async (): Promise<void> => {
      heard.push(`after ${site.units.restarts.join()}, ${await site.read(FILE)}`);
    };
    const tail = { ...replace, units: UNITS };
    expect(await apply(site.journal, tail, { ...run(site), beforeRestart })).toEqual({
      is: 'done',
      outcome: DONE,
    });
    expect(heard).toEqual(['after , new', 'after etcd, new']);
    expect(site.units.restarts).toEqual(['etcd', 'kubelet']);
    expect(await site.hands.generations.current()).toMatchObject({ state: 'ended', run: { outcome: DONE } });
  });

  test('stops a unit before the one that it needs restarts, and does not wait for other masters meanwhile', async () => {
    const units = [{ ...unitPlan('etcd'), stopFirst: ['kubelet', 'none'] }, unitPlan('kubelet')];
    const site = await createStaged({ units });
    const heard: string[] = [];
    const beforeRestart: BeforeRestart = async (unit, when) => {
      await Promise.resolve(heard.push(`${unit}, ${when}, stopped: ${site.units.stops.join()}`));
    };
    await apply(site.journal, { ...replace, units }, { ...run(site), beforeRestart });
    expect(stepsIn(site.progress)).toEqual(['replace', 'stop kubelet', 'restart etcd', 'restart kubelet']);
    expect(heard).toEqual(['etcd, all are well, stopped: ', 'kubelet, at once, stopped: kubelet']);
    expect(site.units.states.get('kubelet')).toMatchObject({ active: 'active' });
  });

  test('leaves no unit stopped when the one that it needs fails and the old files cannot return', async () => {
    const units = [{ ...unitPlan('etcd'), stopFirst: ['kubelet'] }, unitPlan('kubelet')];
    const site = await createStaged({ units });
    site.units.broken.add('etcd');
    const hands = { ...site.hands, generations: { ...site.hands.generations, revert } };
    const ended = await apply(site.journal, { ...replace, units }, { ...run(site), hands });
    expect(ended).toMatchObject({ is: 'failed', node: 'stuck' });
    expect(site.units.stops).toEqual(['kubelet']);
    expect(site.units.states.get('kubelet')).toMatchObject({ active: 'active' });
  });

  test('rolls everything back when a unit fails, and restarts no later unit', async () => {
    const site = await createStaged({ units: UNITS });
    site.units.broken.add('etcd');
    const ended = await apply(site.journal, { ...replace, units: UNITS }, run(site));
    expect(ended).toMatchObject({ is: 'failed', error: { code: 'unit', reason: 'start-failed' } });
    expect(await site.read(FILE)).toBe('old');
    expect(stepsIn(site.progress)).toEqual([
      'replace',
      'restart etcd',
      'put-back',
      'restart-old etcd',
      'restart-old kubelet',
    ]);
  });

  test('does not restart units that were proven before an interruption', async () => {
    const site = await createStaged({ units: UNITS });
    const journal = await site.hands.generations.commit(site.journal);
    const tail = { from: 'workloads', workloads: undefined } as const;
    expect(await apply(journal, tail, run(site))).toEqual({ is: 'done', outcome: DONE });
    expect(site.units.restarts).toEqual([]);
  });
});

/**
 * Installs a list and proves it.
 *
 * @param readAfter number of restarts until the file has been read
 */
const prove = async (readAfter: number, rereads: boolean) => {
  const site = await createStaged();
  const { disk, units, hands } = site;
  const hasBeenRead = async (): Promise<boolean> => await Promise.resolve(units.restarts.length >= readAfter);
  const over = { ...hands, disk: { ...disk, hasBeenRead } };
  const tail = { ...replace, units: [], lists: [{ unitPlan: unitPlan('etcd'), file: FILE, rereads }] };
  const ended = await apply(site.journal, tail, { runId: RUN_ID, hands: over, abort: NEVER });
  const seen = ended.is === 'done' ? ended.outcome.outputs['seen'] : ended;
  return { seen, restarts: units.restarts };
};

describe('a list of revoked certificates', () => {
  test('that its unit has read needs no restart', async () => {
    expect(await prove(0, true)).toMatchObject({ seen: [{ code: 'read', of: FILE }], restarts: [] });
  });

  test('causes one restart if its unit should have read it and has not', async () => {
    expect(await prove(1, true)).toMatchObject({ seen: [{ code: 'read' }], restarts: ['etcd'] });
    expect(await prove(2, true)).toMatchObject({ seen: [{ code: 'unread', of: FILE }], restarts: ['etcd'] });
  });

  test('causes no second restart of its unit', async () => {
    expect(await prove(1, false)).toMatchObject({ seen: [{ code: 'unread' }], restarts: [] });
  });
});

describe('workloads', () => {
  const plan: WorkloadsPlan = {
    host: '127.0.0.1',
    port: 6443,
    leaf: FILE,
    ca: FILE,
    identity: { certificate: FILE, key: FILE },
    holder: 'm-0',
    namespaces: [],
    perSecond: 1,
    deadlineMs: 1000,
  };

  test('that fail are reported in the outcome, and cause no roll-back', async () => {
    const site = await createStaged({ units: UNITS, workloads: plan });
    const ended = await apply(site.journal, { ...replace, units: UNITS, workloads: plan }, run(site));
    expect(ended).toMatchObject({ outcome: { statusCode: 0, outputs: { workloads: [{ code: 'failed' }] } } });
    expect(await site.read(FILE)).toBe('new');
  });

  test('are restarted only after the journal excludes a roll-back', async () => {
    const notes: unknown[] = [];
    const site = await createStaged({ units: UNITS, workloads: plan });
    const { hands } = site;
    const note = async (...[journal, rest]: Parameters<typeof hands.generations.note>): Promise<Journal> => {
      notes.push([site.units.restarts.length, site.progress.some((one) => one.event === 'notice')]);
      return await hands.generations.note(journal, rest);
    };
    await apply(
      site.journal,
      { ...replace, units: UNITS, workloads: plan },
      { ...run(site), hands: { ...hands, generations: { ...hands.generations, note } } },
    );
    expect(notes).toEqual([[2, false]]);
    expect(site.progress).toContainEqual(expect.objectContaining({ event: 'notice', code: 'workloads' }));
    expect(await hands.generations.current()).toMatchObject({ run: { proven: true } });
  });
});
