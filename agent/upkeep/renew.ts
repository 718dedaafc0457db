import type { Outcome } from '../../src/deployment/deployment.ts';
import { withoutDamaged } from '../rotation/without-damaged.ts';
import { outcomeOf } from '../execution/ended.ts';
import { perform } from '../execution/perform.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { carryOutOwn } from '../pass/own-work.ts';
import { inTurn } from '../peers/in-turn.ts';
import { unitsOf } from '../plan/units.ts';
import { findCopiesOf } from '../rotation/find-copies.ts';
import { missingPair } from '../rotation/missing-keys.ts';
import { planRenewal } from '../rotation/plan.ts';

/** The run id of this generation in the journal. */
const RUN_ID = 'renewal';

/**
 * Renews certificates with the same CA, as an ordinary generation: a failure leaves the node unchanged or rolls back.
 *
 * @param mustLast discards new certificates that do not last longer than the present ones
 * @throws `aborted` when the program must stop; the journal knows the progress
 */
export async function renew(
  node: Node,
  mustLast: boolean,
  hands: Hands,
  abort: AbortSignal,
): Promise<Outcome> {
  const ended = await carryOutOwn(RUN_ID, hands, async () => {
    const units = await unitsOf(node, hands, abort);
    const disk = await withoutDamaged(node.layout, hands.disk);
    const copies = await findCopiesOf(node, { disk });
    const pair = await missingPair(node, hands);
    const plan = planRenewal(node, mustLast, units, hands.config, copies, pair);
    return await inTurn(
      node,
      hands,
      abort,
      async (beforeRestart) => await perform(plan, { runId: RUN_ID, hands, abort, beforeRestart }),
    );
  });
  return outcomeOf(ended);
}
