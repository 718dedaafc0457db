import * as v from 'valibot';
import { AgentError, explain } from '../../src/base/errors.ts';
import type { Outcome } from '../../src/deployment/deployment.ts';
import { filesBefore } from '../../src/files/kept.ts';
import type { Journal } from '../../src/files/journal.ts';
import type { Hands } from '../hands.ts';
import { endOf, formerCasIn } from '../inspection/kept-generations.ts';
import { RunRecordSchema } from '../plan/run-record.ts';

/**
 * Keeps the files that a successful run has replaced, up to the configured number of generations. If the run retires a
 * CA, generations with that CA are removed: rolling back to them would accept its certificates again. If a generation
 * cannot be kept, the error is logged and the run still succeeds.
 *
 * @param journal the journal of the run, while its copies still exist
 * @throws `disk` if an obsolete generation cannot be removed
 */
export async function keepGeneration(
  journal: Journal | undefined,
  outcome: Pick<Outcome, 'is'>,
  hands: Hands,
): Promise<void> {
  if (journal?.state !== 'ended' || outcome.is !== 'succeeded' || journal.files.length === 0) return;
  const { keep, begun } = v.parse(RunRecordSchema, journal.run);
  if (!keep || begun === undefined) return;
  const { keptGenerations, config, disk, log } = hands;
  const { keep: most, keep_retired: keepsRetired } = config.generations;
  const isRetired = keep.retires && !keepsRetired;
  if (most > 0 && !isRetired && !(await keptGenerations.has(begun)))
    try {
      const files = await filesBefore(journal, keep.paths, disk);
      // The first certificates of a node replace none.
      if (files.some(({ content }) => content.includes('-----BEGIN CERTIFICATE-----')))
        await keptGenerations.keep({ runId: journal.runId, at: begun, files });
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      log('generation-unkept', { run: journal.runId, why: explain(error) });
    }
  const kept = await keptGenerations.list();
  const staying = [];
  for (const one of kept) if (!isRetired || (await formerCasIn(one, disk)).length === 0) staying.push(one.id);
  await keptGenerations.removeAllBut(staying.slice(0, most));
}

/** Removes generations beyond the configured number, and those with an expired certificate. */
export async function pruneKept({ keptGenerations, config, clock }: Hands): Promise<void> {
  const kept = await keptGenerations.list();
  const lasting = kept.filter((one) => endOf(one) > clock.now());
  await keptGenerations.removeAllBut(lasting.slice(0, config.generations.keep).map(({ id }) => id));
}
