import { AgentError } from '../../src/base/errors.ts';
import { type Deployment, secretsOf } from '../../src/deployment/deployment.ts';
import type { Said } from '../../src/metadata/decode.ts';
import { configFilesOf, OS_CONFIG_FILES } from '../../src/metadata/config-files.ts';
import { prepareRun } from '../../src/hooks/prepare.ts';
import type { Operation } from '../../src/operation/operation.ts';
import type { RestartOperation } from '../../src/operation/restart.ts';
import { makesCertificates } from '../../src/operation/magnum-deployment.ts';
import { type RunOperation, selectRun } from '../../src/operation/run.ts';
import type { Hands } from '../hands.ts';
import { readBefore } from '../migration/record.ts';
import { runInContainer, runsContainer } from './in-container.ts';
import { describeNode, readNode } from '../node.ts';
import { planRestart } from '../plan/plan.ts';
import { unitsOf } from '../plan/units.ts';
import type { Intention, NodeIntention } from '../plan/intention.ts';
import { intendToGoBack, intendToRotate } from './intend-rotation.ts';

/**
 * Decides the work of an operation on this node.
 *
 * @returns undefined when no hook on this node serves the deployment's group
 * @throws the error that prevents the work: `precondition`, `bad-heat-params`, `bad-deployment` ...
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
      return { kind: 'nothing', reason: operation.reason, why: operation.why };
    case 'refuse':
      throw new AgentError('bad-deployment', operation.why, { reason: operation.reason });
    case 'rotate':
      return await intendToRotate(operation, hands, abort);
    case 'go-back':
      return await intendToGoBack(operation, hands, abort);
    case 'magnum-update': {
      const { intendForMagnum } = await import('./intend-magnum.ts');
      return await intendForMagnum(operation, deployment, hands, abort);
    }
    case 'magnum-creation':
      return await intendToCreate(deployment, hands, abort);
    case 'rebuild': {
      const { intendToRebuild } = await import('./intend-rebuild.ts');
      return await intendToRebuild(hands, abort);
    }
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
      return await intendToRun(operation, deployment, said, hands, abort);
  }
}

/** Plans restarts. @throws `precondition` for a unit that the layout does not contain */
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
  // A named unit is started even if it was stopped on purpose.
  const wanted = all.filter(({ name }) => named.includes(name)).map((plan) => ({ ...plan, required: true }));
  return { kind: 'change', node, plan: planRestart(wanted), why };
}

async function intendToRun(
  operation: RunOperation,
  deployment: Deployment,
  said: readonly Said[],
  hands: Hands,
  abort: AbortSignal,
): Promise<Intention | undefined> {
  const { id } = deployment;
  const { hooks, runs } = hands;
  const { is } = await runs.runs.look(id);
  if (is === 'running' || is === 'ended' || is === 'lost')
    return { kind: 'run', run: { do: 'take-up', id }, why: 'it is already started' };
  const hook = await hooks.find(operation.hook);
  if (hook === undefined && operation.hook !== 'script') return undefined;
  if (hook === undefined && makesCertificates(String(operation.deployment['config'])))
    return await runMakeCert(operation, deployment, hands, abort);
  const told = { outputs: deployment.outputs.map(({ name }) => name), secrets: secretsOf(deployment) };
  const configFiles = configFilesOf(said);
  const paths: [string, string] = [OS_CONFIG_FILES, configFiles.map(({ path }) => runs.at(path)).join(':')];
  const settings = { ...hooks.settings, base: [...hooks.settings.base, paths] };
  const request = prepareRun(id, operation, told, hook, settings);
  const unit = runs.unitFor(id);
  const where = unit === undefined ? 'as a process of its own' : `as the unit ${unit}`;
  return { kind: 'run', run: { do: 'run', request, configFiles }, why: `${request.what}, ${where}` };
}

/**
 * Decides the work of a deployment that creates the cluster. While heat-container-agent serves the node, it handles
 * these. A later one, such as the cluster's own on the first master, runs in a container like it.
 */
async function intendToCreate(
  deployment: Deployment,
  hands: Hands,
  abort: AbortSignal,
): Promise<Intention | undefined> {
  const isTakenOver = (await readBefore(hands.disk)) !== undefined && !(await runsContainer(hands, abort));
  const operation = isTakenOver ? selectRun(deployment) : undefined;
  if (operation?.kind !== 'run') return undefined;
  const { id } = deployment;
  if (['running', 'ended', 'lost'].includes((await hands.runs.runs.look(id)).is))
    return { kind: 'run', run: { do: 'take-up', id }, why: 'it is already started' };
  const run = await runInContainer(operation, deployment, { what: 'the script' }, hands, abort);
  return (
    run && { kind: 'run', run, why: 'Magnum sets the cluster up, with a script for heat-container-agent' }
  );
}

/**
 * Plans a make-cert script. It is written for heat-container-agent's container: on a host without python it empties the
 * CA file.
 */
async function runMakeCert(
  operation: RunOperation,
  deployment: Deployment,
  hands: Hands,
  abort: AbortSignal,
): Promise<Intention> {
  const run = await runInContainer(operation, deployment, { what: 'the script' }, hands, abort);
  if (!run)
    throw new AgentError(
      'precondition',
      "the script is Magnum's make-cert, for heat-container-agent's container: this node has no such container, and on the node itself the script would empty the CA file; use the group coe-rotate",
      { reason: 'no-agent-container' },
    );
  return {
    kind: 'run',
    run,
    why: "the script is Magnum's make-cert: it runs in a container like heat-container-agent's",
  };
}
