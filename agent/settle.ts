import { readIfThere } from '../src/base/disk.ts';
import { AgentError, codeOf } from '../src/base/errors.ts';
import { checkServiceAccount } from '../src/certificates/service-account.ts';
import type { Deployment, Outcome } from '../src/deployment/deployment.ts';
import {
  type GoBackOperation,
  type Operation,
  type RotateOperation,
  selectOperation,
} from '../src/operation/operation.ts';
import { conclude } from './conclude.ts';
import type { Hands } from './hands.ts';
import { checkNode, type Node, readNode } from './node.ts';
import { failed } from './outcome.ts';
import { planGoingBack, planRotation, type Step } from './plan.ts';

/**
 * What an operation comes to on this node. No steps: the node is as it is asked to be, and `why` says so.
 *
 * @throws what stands in its way: `precondition`, `bad-heat-params` ...
 */
export async function intend(
  operation: Operation,
  hands: Hands,
): Promise<{ node: Node; steps: Step[]; why: string }> {
  const { config } = hands;
  const node = await readNode(hands);
  const why = `layout ${node.chosen.layout.name} (${node.chosen.why}), ${node.role}`;
  switch (operation.kind) {
    case 'none':
      return { node, steps: [], why: operation.why };
    case 'rotate':
      checkNode(node, config.heat_params, operation.keystoneToken !== undefined);
      checkKeys(operation, node);
      return { node, steps: planRotation(operation, node, config, true), why };
    case 'go-back': {
      if (await hasKeys(operation, node, hands)) return { node, steps: [], why: GOING_BACK };
      checkKeys(operation, node);
      return { node, steps: planGoingBack(operation, node, config), why: GOING_BACK };
    }
  }
}

const GOING_BACK =
  'Heat goes back to earlier inputs, which ask for no new certificates: the node keeps those that it has, and the next rotation renews them';

/** Keys that no pod could log in with are refused before anything else is done; a role without them ignores them. */
function checkKeys({ serviceAccount }: RotateOperation | GoBackOperation, { layout }: Node): void {
  if (serviceAccount && layout.serviceAccount) checkServiceAccount(serviceAccount);
}

/** Whether the node has the service-account keys of an operation already. */
async function hasKeys({ serviceAccount }: GoBackOperation, node: Node, { disk }: Hands): Promise<boolean> {
  const path = node.layout.serviceAccount?.publicKeyFile.path;
  if (!serviceAccount || path === undefined) return true;
  return (await readIfThere(disk, path))?.toString('utf8') === serviceAccount.publicKey;
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
  const operation = selectOperation(deployment, hands.ledger.earlier(deployment));
  if (!operation) return undefined;
  const { id, group, action, resource } = deployment;
  hands.progress({ event: 'deployment', id, text: [group, action, resource].filter(Boolean).join(', ') });
  const lost = hands.ledger.damaged(id);
  await hands.ledger.accept(deployment);
  await hands.ledger.start(id);
  if (lost) return await conclude(id, failed(LOST), hands);
  if (deployment.fault) return await conclude(id, failed(deployment.fault), hands);
  return await conclude(id, await attempt(operation, id, hands, signal), hands);
}

const LOST = new AgentError(
  'state',
  "this node's record of the deployment is damaged: whether it has run is not known, and it is not run again; ask for it anew",
);

async function attempt(
  operation: Operation,
  id: string,
  hands: Hands,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const { node, steps, why } = await intend(operation, hands);
    if (steps.length === 0) return { statusCode: 0, stdout: `${why}\n`, stderr: '', outputs: {} };
    // What only a rotation needs is loaded when one starts: an idle daemon stays small.
    const { carryOut } = await import('./perform.ts');
    return await carryOut(steps, { owner: id, node, hands, signal });
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    return failed(error);
  }
}
