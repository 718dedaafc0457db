import { codeOf } from '../../src/base/errors.ts';
import type { Outcome } from '../../src/deployment/deployment.ts';
import { type EndedRun, endOfRun } from '../../src/hooks/run.ts';
import { lookAfter } from '../../src/hooks/overdue.ts';
import { finishRun, forgetRun } from './finish.ts';
import type { Hands } from '../hands.ts';
import { failed } from '../../src/deployment/outcome.ts';

/**
 * Records the outcomes of runs that an earlier start of the agent began. Needs neither Heat nor the deployment. Leaves
 * a running script alone, unless its supervisor is overdue.
 */
export async function collectFinishedRuns(hands: Hands): Promise<{ id: string; outcome: Outcome }[]> {
  const { ledger, runs, log } = hands;
  const home: { id: string; outcome: Outcome }[] = [];
  for (const id of await runs.runs.list()) {
    const run = await lookAfter(id, runs);
    if (run.is === 'running' || run.is === 'ordered') continue;
    if (run.is === 'none' || ledger.find(id)?.state !== 'started') {
      // It is no longer listed, or its outcome is already recorded.
      await forgetRun(id, hands);
      continue;
    }
    // Its deployment continues with other steps and records the outcome later.
    if (continues(run)) continue;
    log('run-collected', { deployment: id, run: run.is });
    const outcome = await finishRun(id, await outcomeOf(id, run, hands), hands);
    if (outcome) home.push({ id, outcome });
  }
  return home;
}

const continues = (run: EndedRun): boolean =>
  run.order?.continues === true && (run.is === 'lost' || run.result.statusCode === 0);

/**
 * Returns the outcome of a run.
 *
 * @throws an error of the disk, which may be temporary; any other error becomes the outcome
 */
async function outcomeOf(id: string, run: EndedRun, { runs }: Hands): Promise<Outcome> {
  try {
    return await endOfRun(id, run, runs);
  } catch (error) {
    if (codeOf(error) === 'disk') throw error;
    return failed(error);
  }
}
