import type { Outcome } from '../../src/deployment/deployment.ts';
import { conclude } from '../pass/conclude.ts';
import { failed } from '../../src/deployment/outcome.ts';
import { carryOut, type Run } from '../execution/perform.ts';
import type { Step } from '../plan/step.ts';

/**
 * Carries out what a verb has planned, and forgets its generation, however it ended.
 *
 * @throws the error of the step that failed, with what became of the node in its message
 */
export async function carryOutVerb(steps: readonly Step[], run: Run): Promise<Outcome> {
  const outcome = await carryOut(steps, run).catch(async (error: unknown) => {
    await conclude(run.owner, failed(error), run.hands);
    throw error;
  });
  await conclude(run.owner, outcome, run.hands);
  return outcome;
}
