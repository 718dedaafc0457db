import { withoutDamaged } from '../rotation/without-damaged.ts';
import type { Hands } from '../hands.ts';
import { checkNode, describeNode, readNode } from '../node.ts';
import type { NodeIntention } from '../plan/intention.ts';
import { unitsOf } from '../plan/units.ts';
import { findCopiesOf } from '../rotation/find-copies.ts';
import { missingPair } from '../rotation/missing-keys.ts';
import { planRenewal } from '../rotation/plan.ts';
import { withAddresses } from './addresses.ts';

/**
 * Plans to recreate every certificate, kubeconfig and copy from heat-params and Magnum with the same CA, and to restart
 * and prove all units.
 *
 * @throws `precondition` or `bad-heat-params` if that is impossible
 */
export async function intendToRebuild(
  hands: Hands,
  abort: AbortSignal,
): Promise<Extract<NodeIntention, { kind: 'change' }>> {
  const { config } = hands;
  const bare = await readNode(hands);
  checkNode(bare, config.heat_params, false);
  const node = await withAddresses(bare, hands, abort);
  const units = await unitsOf(node, hands, abort);
  const disk = await withoutDamaged(node.layout, hands.disk);
  const copies = await findCopiesOf(node, { disk });
  const plan = planRenewal(node, false, units, config, copies, await missingPair(node, hands));
  return { kind: 'change', node, plan, why: describeNode(node) };
}
