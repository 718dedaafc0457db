import type { Outcome } from '../../src/deployment/deployment.ts';
import { finish } from '../pass/finish.ts';
import { failed } from '../../src/deployment/outcome.ts';
import { outcomeOf } from '../execution/ended.ts';
import { perform } from '../execution/perform.ts';
import type { Ended } from '../execution/ended.ts';
import type { Run } from '../execution/prepare.ts';
import type { Hands } from '../hands.ts';
import { readNode } from '../node.ts';
import { inTurn } from '../peers/in-turn.ts';
import type { Plan } from '../plan/plan.ts';

/**
 * Carries out the plan of a verb. Deletes its generation afterwards, also after a failure.
 *
 * @throws the error of the failed step; its message says in which state the node is
 */
export async function carryOutVerb(plan: Plan, run: Run): Promise<Outcome> {
  return await carryOut(run, async () => await perform(plan, run));
}

/** Does the same within the turn of this master, where masters take turns. */
export async function carryOutInTurn(plan: Plan, run: Run): Promise<Outcome> {
  const { hands, abort } = run;
  return await carryOut(
    run,
    async () =>
      await inTurn(
        await readNode(hands),
        hands,
        abort,
        async (beforeRestart) => await perform(plan, { ...run, beforeRestart }),
      ),
  );
}

/** Applies the option `--without-turn`. */
export const turnAsAsked = (hands: Hands, options: Record<string, unknown>): Hands =>
  options['withoutTurn'] === true ? { ...hands, withoutTurn: true } : hands;

async function carryOut(run: Run, work: () => Promise<Ended>): Promise<Outcome> {
  const ended = await work().catch(async (error: unknown) => {
    await finish(run.runId, failed(error), run.hands);
    throw error;
  });
  await finish(run.runId, outcomeOf(ended), run.hands);
  if (ended.is === 'failed') throw ended.error;
  return ended.outcome;
}
