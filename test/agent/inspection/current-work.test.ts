import { expect, test } from 'vitest';
import { findCurrentWork } from '../../../agent/inspection/current-work.ts';
import { createHands } from '../../fakes/hands.ts';
import { stageFile } from '../../fakes/generation.ts';

const BEGUN = Date.parse('2026-11-29T02:20:00Z');
const HOLDER = { name: 'agent run (pid 7)', verb: 'run', since: BEGUN - 1000 };

test('finds the files that the daemon replaces without a deployment', async () => {
  const site = await createHands();
  await site.hands.generations.commit(await stageFile(site, { begun: BEGUN }));
  const runId = (await site.hands.generations.current())?.runId;
  expect(runId).toEqual(expect.any(String));
  expect(await findCurrentWork(site.hands, HOLDER)).toMatchObject({ holder: HOLDER.name, runId });
});

test.each([
  ['no process holds the lock', undefined],
  ['the daemon started after the interruption', { ...HOLDER, since: BEGUN + 1 }],
])('finds no work if %s', async (_, holder) => {
  const site = await createHands();
  await site.hands.generations.commit(await stageFile(site, { begun: BEGUN }));
  expect(await findCurrentWork(site.hands, holder)).toBeUndefined();
});
