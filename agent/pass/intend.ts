import { withAddresses } from './addresses.ts';
import { AgentError } from '../../src/base/errors.ts';
import { checkServiceAccount } from '../../src/certificates/service-account.ts';
import { isAccepted, isSigning } from '../../src/certificates/service-account-keys.ts';
import { type Deployment, secretsOf } from '../../src/deployment/deployment.ts';
import type { Said } from '../../src/metadata/decode.ts';
import { configFilesOf, OS_CONFIG_FILES } from '../../src/metadata/config-files.ts';
import { prepareRun } from '../../src/hooks/prepare.ts';
import { type GoBackOperation, type Operation, type RotateOperation } from '../../src/operation/operation.ts';
import type { RestartOperation } from '../../src/operation/restart.ts';
import type { RunOperation } from '../../src/operation/run.ts';
import type { Hands } from '../hands.ts';
import { checkNode, describeNode, type Node, readNode } from '../node.ts';
import { readKeys } from '../rotation/service-account.ts';
import { planRestart } from '../plan/plan.ts';
import { unitsOf } from '../plan/units.ts';
import type { Intention, NodeIntention } from '../plan/intention.ts';
import { planGoingBack, planRotation } from '../rotation/plan.ts';

/**
 * @returns undefined when the node has nothing that serves the deployment's group
 * @throws what stands in its way: `precondition`, `bad-heat-params`, `bad-deployment` ...
 */
export async function intend(
  operation: Operation,
  deployment: Deployment,
  said: readonly Said[],
  hands: Hands,
  abort: AbortSignal,
): Promise<Intention | undefined> {
  switch (operation.kind) {
    case 'none':
      return { kind: 'nothing', why: operation.why };
    case 'refuse':
      throw new AgentError('bad-deployment', operation.why);
    case 'rotate':
    case 'go-back':
      return await intendForNode(operation, hands, abort);
    case 'restart':
      return await intendToRestart(operation, hands, abort);
    case 'revoke': {
      const { intendToRevoke } = await import('../revocation/revoke.ts');
      return await intendToRevoke(operation, hands, abort);
    }
    case 'credentials': {
      const { intendToChangeCredentials } = await import('../credentials/intend.ts');
      return await intendToChangeCredentials(operation, hands, abort);
    }
    case 'run':
      return await intendToRun(operation, deployment, said, hands);
  }
}

async function intendForNode(
  operation: RotateOperation | GoBackOperation,
  hands: Hands,
  abort: AbortSignal,
): Promise<Intention> {
  const { config } = hands;
  const node = await readNode(hands);
  if (operation.kind === 'go-back') {
    checkKeys(operation, node);
    if (await hasKeys(operation, node, hands)) return { kind: 'nothing', why: GOING_BACK };
    return {
      kind: 'change',
      node,
      plan: planGoingBack(operation, node, await unitsOf(node, hands, abort)),
      why: GOING_BACK,
    };
  }
  checkNode(node, config.heat_params, operation.keystoneToken !== undefined);
  checkKeys(operation, node);
  const why = describeNode(node);
  const whole = await withAddresses(node, hands, abort);
  const { findCopiesOf } = await import('../rotation/find-copies.ts');
  const copies = await findCopiesOf(whole, hands);
  const units = await unitsOf(whole, hands, abort);
  return { kind: 'change', node: whole, plan: planRotation(operation, whole, units, config, copies), why };
}

/** @throws `precondition` when a unit is named that the layout does not know */
export async function intendToRestart(
  { units: named }: RestartOperation,
  hands: Hands,
  abort: AbortSignal,
): Promise<Extract<NodeIntention, { kind: 'change' }>> {
  const node = await readNode(hands);
  const all = await unitsOf(node, hands, abort);
  const unknown = named?.filter((wanted) => !all.some(({ name }) => name === wanted)) ?? [];
  if (unknown.length > 0)
    throw new AgentError(
      'precondition',
      `restarting ${unknown.join(', ')}: a ${node.role} of the layout ${node.chosen.layout.name} has only ${all.map(({ name }) => name).join(', ')}`,
      { reason: 'unknown-unit' },
    );
  const why = describeNode(node);
  if (!named) {
    const { findUnits } = await import('../execution/found-units.ts');
    return { kind: 'change', node, plan: planRestart((await findUnits(all, hands, abort)).units), why };
  }
  // Who names a unit wants it to run, whoever has stopped it.
  const wanted = all.filter(({ name }) => named.includes(name)).map((plan) => ({ ...plan, required: true }));
  return { kind: 'change', node, plan: planRestart(wanted), why };
}

async function intendToRun(
  operation: RunOperation,
  deployment: Deployment,
  said: readonly Said[],
  { hooks, runs }: Hands,
): Promise<Intention | undefined> {
  const { id } = deployment;
  const { is } = await runs.runs.look(id);
  if (is === 'running' || is === 'ended' || is === 'lost')
    return { kind: 'run', run: { do: 'take-up', id }, why: 'it has been started already' };
  const hook = await hooks.find(operation.hook);
  if (hook === undefined && operation.hook !== 'script') return undefined;
  const told = { outputs: deployment.outputs.map(({ name }) => name), secrets: secretsOf(deployment) };
  const configFiles = configFilesOf(said);
  const paths: [string, string] = [OS_CONFIG_FILES, configFiles.map(({ path }) => runs.at(path)).join(':')];
  const settings = { ...hooks.settings, base: [...hooks.settings.base, paths] };
  const request = prepareRun(id, operation, told, hook, settings);
  const unit = runs.unitFor(id);
  const where = unit === undefined ? 'as a process of its own' : `as the unit ${unit}`;
  return { kind: 'run', run: { do: 'run', request, configFiles }, why: `${request.what}, ${where}` };
}

const GOING_BACK =
  'Heat goes back to earlier inputs, which ask for no new certificates: the node keeps those that it has, and the next rotation renews them';

/** Keys that no pod could log in with are refused before anything else is done; a role without them ignores them. */
function checkKeys({ serviceAccount }: RotateOperation | GoBackOperation, { layout }: Node): void {
  if (serviceAccount && layout.serviceAccount) checkServiceAccount(serviceAccount);
}

/** Whether the node has the service-account keys of an operation already. */
async function hasKeys(
  { phase, serviceAccount }: GoBackOperation,
  { layout }: Node,
  hands: Hands,
): Promise<boolean> {
  if (!serviceAccount || !layout.serviceAccount) return true;
  const keys = await readKeys(layout, hands);
  return phase === 'trust' ? isAccepted(keys, serviceAccount) : isSigning(keys, serviceAccount);
}
