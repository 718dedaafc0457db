import { expect, test } from 'vitest';
import { keepGeneration, pruneKept } from '../../../agent/pass/keep-generation.ts';
import type { RunRecord } from '../../../agent/plan/run-record.ts';
import type { Journal } from '../../../src/files/journal.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { DONE, FILE, stageFile } from '../../fakes/generation.ts';
import { createHands, type HandsSpec, type TestHands } from '../../fakes/hands.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { createCa } from '../../src/support/openssl.ts';

type Ended = TestHands & { journal: Journal };

/** A node on which a run has replaced a CA file, and has ended. */
async function createEnded(record: Partial<RunRecord> = {}, spec: HandsSpec = {}): Promise<Ended> {
  const site = await createHands(spec);
  const [old, content] = [(await createCa()).pem, (await createCa()).pem];
  const { generations, clock } = site.hands;
  const keep = { paths: [FILE], retires: false };
  const staged = await stageFile(site, { keep, begun: clock.now(), ...record }, { old, content });
  const journal = await generations.commit(staged);
  return { ...site, journal: await generations.end(journal, journal.run) };
}

const keep = async (): Promise<string> => await Promise.reject(new AgentError('disk', 'full'));

const kept = async ({ hands }: TestHands): Promise<string[]> =>
  (await hands.keptGenerations.list()).map(({ runId }) => runId);

test('keeps what a success has replaced, once', async () => {
  const site = await createEnded();
  for (let round = 0; round < 2; round += 1) await keepGeneration(site.journal, DONE, site.hands);
  expect(await kept(site)).toEqual(['run-1']);
});

test('keeps nothing of a failure, of a run that is not over, and of one without certificates', async () => {
  const site = await createEnded();
  await keepGeneration(site.journal, { is: 'failed' }, site.hands);
  await keepGeneration({ ...site.journal, state: 'committed' }, DONE, site.hands);
  await keepGeneration(undefined, DONE, site.hands);
  expect(await kept(site)).toEqual([]);
  const other = await createEnded({ keep: undefined });
  await keepGeneration(other.journal, DONE, other.hands);
  expect(await kept(other)).toEqual([]);
});

test('what cannot be kept is logged, and the run has succeeded all the same', async () => {
  const site = await createEnded();
  const hands = { ...site.hands, keptGenerations: { ...site.hands.keptGenerations, keep } };
  await keepGeneration(site.journal, DONE, hands);
  expect(logged(site.log, 'generation-unkept')).toHaveLength(1);
});

test.each([
  ['goes', [], []],
  ['stays when that is configured', ['generations: {keep_retired: true}'], ['run-1', 'earlier']],
] as const)('what holds a retired CA %s', async (_, config, left) => {
  const retires = { paths: [FILE], retires: true };
  const site = await createEnded({ keep: retires }, { config });
  const { keptGenerations, clock } = site.hands;
  const content = Buffer.from((await createCa()).pem);
  await keptGenerations.keep({
    runId: 'earlier',
    at: clock.now() - 1,
    files: [{ path: FILE, content, mode: 0o600 }],
  });
  await keepGeneration(site.journal, DONE, site.hands);
  expect(await kept(site)).toEqual(left);
});

test('prunes what has ended, and what is more than configured', async () => {
  const site = await createHands({ config: ['generations: {keep: 1}'] });
  const { keptGenerations, clock } = site.hands;
  for (const [index, days] of [100, 50, 10].entries()) {
    const content = Buffer.from((await createCa('k1', days)).pem);
    const at = clock.now() + index;
    await keptGenerations.keep({ runId: `of ${days}`, at, files: [{ path: FILE, content, mode: 0o600 }] });
  }
  await clock.sleep(20 * 86_400_000, new AbortController().signal);
  await pruneKept(site.hands);
  expect(await kept(site)).toEqual(['of 50']);
});
