import { codeOf } from '../src/base/errors.ts';
import type { Deployment, Outcome } from '../src/deployment/deployment.ts';
import { type Operation, selectOperation } from '../src/operation/operation.ts';
import { conclude } from './conclude.ts';
import type { Hands } from './hands.ts';
import { checkNode, type Node, readNode } from './node.ts';
import { failed } from './outcome.ts';
import { planRotation, type Step } from './plan.ts';

/**
 * What an operation comes to on this node.
 *
 * @throws what stands in its way: `precondition`, `bad-heat-params` ...
 */
export async function intend(operation: Operation, hands: Hands): Promise<{ node: Node; steps: Step[] }> {
  const node = await readNode(hands);
  checkNode(node, hands.config.heat_params, operation.keystoneToken !== undefined);
  return { node, steps: planRotation(operation, node, hands.config, true) };
}

/**
 * Does what one deployment asks for and records how it ended. Every step of the record is on disk before the
 * next thing happens.
 *
 * @returns undefined when the deployment is not for this program
 * @throws `aborted` when the program is to stop; the deployment stays *started* and is taken up again
 */
export async function settle(
  deployment: Deployment,
  hands: Hands,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const operation = selectOperation(deployment);
  if (!operation) return undefined;
  const { id, group, action, resource } = deployment;
  hands.progress({ event: 'deployment', id, text: [group, action, resource].filter(Boolean).join(', ') });
  await hands.ledger.accept(deployment);
  await hands.ledger.start(id);
  return await conclude(id, await attempt(operation, id, hands, signal), hands);
}

async function attempt(
  operation: Operation,
  id: string,
  hands: Hands,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const { node, steps } = await intend(operation, hands);
    // What only a rotation needs is loaded when one starts: an idle daemon stays small.
    const { carryOut } = await import('./perform.ts');
    return await carryOut(steps, { owner: id, node, hands, signal });
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    return failed(error);
  }
}
