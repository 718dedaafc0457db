import type { Outcome } from '../../src/deployment/deployment.ts';
import { finish } from '../pass/finish.ts';
import { failed } from '../../src/deployment/outcome.ts';
import { outcomeOf } from '../execution/ended.ts';
import { perform } from '../execution/perform.ts';
import type { Run } from '../execution/prepare.ts';
import type { Plan } from '../plan/plan.ts';

/**
 * Carries out what a verb has planned, and forgets its generation, however it ended.
 *
 * @throws the error of the step that failed, with what became of the node in its message
 */
export async function carryOutVerb(plan: Plan, run: Run): Promise<Outcome> {
  const ended = await perform(plan, run).catch(async (error: unknown) => {
    await finish(run.runId, failed(error), run.hands);
    throw error;
  });
  await finish(run.runId, outcomeOf(ended), run.hands);
  if (ended.is === 'failed') throw ended.error;
  return ended.outcome;
}
