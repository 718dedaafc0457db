import { checkServiceAccount } from '../../src/certificates/service-account.ts';
import { isInPlace } from '../../src/certificates/service-account-keys.ts';
import type { GoBackOperation, RotateOperation } from '../../src/operation/operation.ts';
import type { Hands } from '../hands.ts';
import { checkNode, describeNode, type Node, readNode } from '../node.ts';
import type { NodeIntention } from '../plan/intention.ts';
import { unitsOf } from '../plan/units.ts';
import { fitPhase } from '../rotation/fit-phase.ts';
import { planKeys, planRotation } from '../rotation/plan.ts';
import { readKeys } from '../rotation/service-account.ts';
import { withAddresses } from './addresses.ts';

/** Plans a rotation. @throws `precondition`, `bad-heat-params` or `bad-deployment` if it is impossible */
export async function intendToRotate(
  operation: RotateOperation,
  hands: Hands,
  abort: AbortSignal,
): Promise<Extract<NodeIntention, { kind: 'change' }>> {
  const { config } = hands;
  const node = await readNode(hands);
  checkNode(node, config.heat_params, operation.keystoneToken !== undefined);
  checkKeys(operation, node);
  const whole = await withAddresses(node, hands, abort);
  const { operation: fitting, notices } = await fitPhase(operation, whole, hands, abort);
  const { findCopiesOf } = await import('../rotation/find-copies.ts');
  const copies = await findCopiesOf(whole, hands);
  const units = await unitsOf(whole, hands, abort);
  const plan = planRotation(fitting, whole, units, config, copies, notices);
  return { kind: 'change', node: whole, plan, why: describeNode(node) };
}

/** Plans to restore earlier service-account keys. @throws `bad-deployment` for keys that would lock out every pod */
export async function intendToGoBack(
  operation: GoBackOperation,
  hands: Hands,
  abort: AbortSignal,
): Promise<NodeIntention> {
  const node = await readNode(hands);
  checkKeys(operation, node);
  if (await hasKeys(operation, node, hands)) return { kind: 'nothing', reason: 'goes-back', why: GOING_BACK };
  return {
    kind: 'change',
    node,
    plan: planKeys(operation, node, await unitsOf(node, hands, abort)),
    why: GOING_BACK,
  };
}

export const GOING_BACK =
  'Heat rolls back to earlier inputs, which request no new certificates: the node keeps its certificates until the next rotation';

/**
 * Rejects keys that would lock out every pod, before any other work. A role without service-account keys ignores them.
 */
export function checkKeys(
  { serviceAccount }: Pick<GoBackOperation, 'serviceAccount'>,
  { layout }: Node,
): void {
  if (serviceAccount && layout.serviceAccount) checkServiceAccount(serviceAccount);
}

/** Whether the node already has the service-account keys of an operation. */
export async function hasKeys(
  { phase, serviceAccount }: Pick<GoBackOperation, 'phase' | 'serviceAccount'>,
  { layout }: Node,
  hands: Hands,
): Promise<boolean> {
  if (!serviceAccount || !layout.serviceAccount) return true;
  return isInPlace(await readKeys(layout, hands), phase, serviceAccount);
}
