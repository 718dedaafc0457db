import { describe, expect, test } from 'vitest';
import { recover } from '../../../agent/pass/recover.ts';
import { MOST_RESUMED } from '../../../agent/plan/recovery.ts';
import type { RunRecord } from '../../../agent/plan/run-record.ts';
import type { Outcome } from '../../../src/deployment/deployment.ts';
import type { Journal } from '../../../src/files/journal.ts';
import { DONE, FILE, stageFile, unitPlan } from '../../fakes/generation.ts';
import { createHands, type TestHands } from '../../fakes/hands.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { deployment } from '../../src/support/deployments.ts';

const FAILED: Outcome = {
  is: 'failed',
  statusCode: 1,
  stdout: '',
  stderr: 'the unit kubelet is not well\n',
  outputs: {},
  error: { code: 'unit', reason: 'unhealthy' },
};
const RUN = deployment({}, { id: 'run-1' });

type Interrupted = TestHands & { journal: Journal };

/** Makes a node with a run that was interrupted after it staged or replaced its files. */
async function interrupt(
  until: 'staged' | 'replaced',
  record: Partial<RunRecord> = {},
): Promise<Interrupted> {
  const site = await createHands({ units: ['kubelet'] });
  await site.hands.ledger.accept(RUN);
  await site.hands.ledger.start(RUN.id);
  const staged = await stageFile(site, { units: [unitPlan('kubelet')], ...record });
  const journal = until === 'staged' ? staged : await site.hands.generations.commit(staged);
  return { ...site, journal };
}

const recovered = async ({ hands }: TestHands): ReturnType<typeof recover> => await recover(hands, NEVER);

test('does nothing without a generation', async () => {
  expect(await recovered(await createHands())).toBeUndefined();
});

describe('an interrupted run', () => {
  test('before replacement leaves nothing, and its deployment runs again', async () => {
    const site = await interrupt('staged');
    expect(await recovered(site)).toBeUndefined();
    expect(await site.files('/etc/k')).toEqual([FILE]);
    expect(await site.read(FILE)).toBe('old');
    expect((await site.reopen()).find(RUN.id)?.state).toBe('started');
    expect(logged(site.log, 'recovery-started')).toMatchObject([{ deployment: RUN.id, state: 'staging' }]);
  });

  test('after replacement is completed', async () => {
    const site = await interrupt('replaced');
    expect(await recovered(site)).toMatchObject({ id: RUN.id, outcome: { statusCode: 0 } });
    expect(site.units.restarts).toEqual(['kubelet']);
    expect(await site.read(FILE)).toBe('new');
    expect((await site.reopen()).find(RUN.id)).toMatchObject({
      state: 'finished',
      outcome: { statusCode: 0 },
    });
    expect(await site.hands.generations.underWay()).toBe(false);
  });

  test.each<[string, Partial<RunRecord>, { code: string; reason: string }]>([
    [
      'the cause in the journal',
      { cause: { code: 'disk', reason: 'no-space', message: 'replacing /etc/k', excerpt: ['df'] } },
      { code: 'disk', reason: 'no-space' },
    ],
    ["the cause in an earlier version's journal", {}, { code: 'unit', reason: 'unhealthy' }],
  ])('that was rolling back continues, for %s', async (_, record, error) => {
    const site = await interrupt('replaced', { outcome: FAILED, ...record });
    await site.hands.generations.revert(site.journal);
    expect(await recovered(site)).toMatchObject({
      outcome: { statusCode: 1, error: { ...error, node: 'taken-back' } },
    });
    expect(await site.read(FILE)).toBe('old');
  });

  test('that has ended is recorded with its result, without restarts', async () => {
    const site = await interrupt('replaced');
    await site.hands.generations.end(site.journal, { units: [], outcome: FAILED });
    expect(await recovered(site)).toMatchObject({ id: RUN.id, outcome: { statusCode: 1 } });
    expect(site.units.restarts).toEqual([]);
    expect(await site.hands.generations.underWay()).toBe(false);
  });

  test('that is stuck waits for a person', async () => {
    const site = await interrupt('replaced');
    const stuck = await site.hands.generations.stick(site.journal, site.journal.run);
    expect(await recovered(site)).toBeUndefined();
    expect(await site.hands.generations.current()).toEqual(stuck);
    expect(logged(site.log, 'recovery-started')).toEqual([]);
  });

  test('of a verb is completed, and sends no signal', async () => {
    const site = await createHands({ units: ['kubelet'] });
    await site.hands.generations.commit(await stageFile(site));
    expect(await recovered(site)).toBeUndefined();
    expect(await site.read(FILE)).toBe('new');
    expect(await site.hands.generations.underWay()).toBe(false);
  });
});

describe('a run that ends the agent each time', () => {
  test('is counted before its units are restarted again', async () => {
    const site = await interrupt('replaced');
    site.units.broken.add('kubelet');
    site.units.goesDown = true;
    await expect(recovered(site)).rejects.toMatchObject({ code: 'aborted' });
    expect(await site.hands.generations.current()).toMatchObject({
      state: 'committed',
      run: { resumed: 1 },
    });
  });

  test('is rolled back after five starts', async () => {
    const site = await interrupt('replaced', { resumed: MOST_RESUMED.forward });
    expect(await recovered(site)).toMatchObject({
      outcome: { error: { code: 'unit', reason: 'ended-too-often', node: 'taken-back' } },
    });
    expect(await site.read(FILE)).toBe('old');
  });

  test('is not rolled back once its units are proven', async () => {
    const site = await interrupt('replaced', { resumed: MOST_RESUMED.forward, proven: true });
    expect(await recovered(site)).toMatchObject({ outcome: { statusCode: 0 } });
    expect(await site.read(FILE)).toBe('new');
    expect(site.units.restarts).toEqual([]);
  });

  test('is abandoned after ten starts: both generations are kept, and the count restarts', async () => {
    const site = await interrupt('replaced', { resumed: MOST_RESUMED.back });
    expect(await recovered(site)).toMatchObject({
      outcome: { error: { code: 'state', reason: 'ended-too-often', node: 'stuck' } },
    });
    expect(site.units.restarts).toEqual([]);
    expect(await site.hands.generations.current()).toMatchObject({ state: 'stuck', run: { resumed: 0 } });
    expect((await site.reopen()).find(RUN.id)).toMatchObject({
      state: 'finished',
      outcome: { statusCode: 1 },
    });
  });
});

test('reports only outputs that the deployment declares', async () => {
  const outcome = { ...DONE, outputs: { fingerprint: 'ab', other: 'cd' } };
  const site = await createHands({ units: ['kubelet'] });
  const declared = deployment({}, { id: 'run-1', outputs: [{ name: 'fingerprint' }] });
  await site.hands.ledger.accept(declared);
  await site.hands.ledger.start(declared.id);
  await site.hands.generations.commit(await stageFile(site, { outcome }));
  expect((await recovered(site))?.outcome.outputs).toEqual({ fingerprint: 'ab' });
});
