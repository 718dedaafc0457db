import { expect, test } from 'vitest';
import { findInterrupted } from '../../../agent/inspection/interrupted.ts';
import { createHands } from '../../fakes/hands.ts';
import { stageFile } from '../../fakes/generation.ts';

const BEGUN = Date.parse('2026-11-29T02:20:00Z');
const HOLDER = { since: BEGUN - 1000 };

async function staged(begun: number | undefined, until: 'staged' | 'replaced' | 'stuck' = 'replaced') {
  const site = await createHands();
  const { generations } = site.hands;
  const journal = await stageFile(site, { ...(begun !== undefined && { begun }) });
  if (until !== 'staged') await generations.commit(journal);
  if (until === 'stuck') await generations.stick(journal, journal.run);
  return site.hands;
}

test.each([
  ['under way while the process that started it holds the lock', BEGUN, 'replaced', HOLDER, true],
  ['under way also before it replaces files', BEGUN, 'staged', HOLDER, true],
  ['interrupted once no process holds the lock', BEGUN, 'replaced', undefined, false],
  ['interrupted if the lock was taken later', BEGUN, 'replaced', { since: BEGUN + 1 }, false],
  ['interrupted if an earlier version started it', undefined, 'replaced', HOLDER, false],
  ['not under way if it is stuck', BEGUN, 'stuck', HOLDER, false],
] as const)('describes a run as %s', async (_, begun, until, holder, isUnderWay) => {
  expect(await findInterrupted(await staged(begun, until), holder)).toMatchObject({ isUnderWay });
});

test('finds none without a generation', async () => {
  expect(await findInterrupted((await createHands()).hands, HOLDER)).toBeUndefined();
});
