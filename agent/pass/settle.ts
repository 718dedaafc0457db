import { withAddresses } from './addresses.ts';
import { AgentError, codeOf } from '../../src/base/errors.ts';
import { checkServiceAccount } from '../../src/certificates/service-account.ts';
import { isAccepted, isSigning } from '../../src/certificates/service-account-keys.ts';
import type { Deployment, Outcome } from '../../src/deployment/deployment.ts';
import { prepareRun } from '../../src/hooks/prepare.ts';
import {
  type GoBackOperation,
  type Operation,
  type RotateOperation,
  selectOperation,
} from '../../src/operation/operation.ts';
import type { RestartOperation } from '../../src/operation/restart.ts';
import type { RunOperation } from '../../src/operation/run.ts';
import { conclude, concludeRun } from './conclude.ts';
import type { Hands } from '../hands.ts';
import { checkNode, type Node, readNode } from '../node.ts';
import { failed } from '../../src/deployment/outcome.ts';
import { readKeys } from '../rotation/service-account.ts';
import { planGoingBack, planRestart, planRotation, type RunStep, type Step, unitsOf } from '../plan/step.ts';

/** What an operation comes to on this node. */
export type Intention =
  /** No steps: the node is as it is asked to be, and `why` says so. */
  { node: Node; steps: Step[]; why: string } | { run: RunStep; why: string } | { nothing: true; why: string };

/**
 * @returns undefined when the node has nothing that serves the deployment's group
 * @throws what stands in its way: `precondition`, `bad-heat-params`, `bad-deployment` ...
 */
export async function intend(
  operation: Operation,
  deployment: Deployment,
  hands: Hands,
  signal: AbortSignal,
): Promise<Intention | undefined> {
  switch (operation.kind) {
    case 'none':
      return { nothing: true, why: operation.why };
    case 'refuse':
      throw new AgentError('bad-deployment', operation.why);
    case 'rotate':
    case 'go-back':
      return await intendForNode(operation, hands, signal);
    case 'restart':
      return await intendToRestart(operation, hands, signal);
    case 'revoke': {
      const { intendToRevoke } = await import('../revocation/revoke.ts');
      return await intendToRevoke(operation, hands, signal);
    }
    case 'credentials': {
      const { intendToChangeCredentials } = await import('../credentials/intend.ts');
      return await intendToChangeCredentials(operation, hands);
    }
    case 'run':
      return await intendToRun(operation, deployment, hands);
  }
}

async function intendForNode(
  operation: RotateOperation | GoBackOperation,
  hands: Hands,
  signal: AbortSignal,
): Promise<Intention> {
  const { config } = hands;
  const node = await readNode(hands);
  if (operation.kind === 'go-back') {
    checkKeys(operation, node);
    if (await hasKeys(operation, node, hands)) return { node, steps: [], why: GOING_BACK };
    return { node, steps: planGoingBack(operation, node, config), why: GOING_BACK };
  }
  checkNode(node, config.heat_params, operation.keystoneToken !== undefined);
  checkKeys(operation, node);
  const why = `layout ${node.chosen.layout.name} (${node.chosen.why}), ${node.role}`;
  const whole = await withAddresses(node, hands, signal);
  const { copiesHere } = await import('../rotation/copies-here.ts');
  const copies = await copiesHere(whole, hands);
  return { node: whole, steps: planRotation(operation, whole, config, true, copies), why };
}

/** @throws `precondition` when a unit is named that the layout does not know */
export async function intendToRestart(
  { units: named }: RestartOperation,
  hands: Hands,
  signal: AbortSignal,
): Promise<{ node: Node; steps: Step[]; why: string }> {
  const node = await readNode(hands);
  const all = unitsOf(node, hands.config);
  const unknown = named?.filter((name) => !all.some(({ unit }) => unit === name)) ?? [];
  if (unknown.length > 0)
    throw new AgentError(
      'precondition',
      `restarting ${unknown.join(', ')}: a ${node.role} of the layout ${node.chosen.layout.name} has only ${all.map(({ unit }) => unit).join(', ')}`,
    );
  const why = `layout ${node.chosen.layout.name} (${node.chosen.why}), ${node.role}`;
  if (!named) {
    const { unitsAsFound } = await import('../execution/units.ts');
    return { node, steps: planRestart((await unitsAsFound(all, hands, signal)).units), why };
  }
  // Who names a unit wants it to run, whoever has stopped it.
  const wanted = all.filter(({ unit }) => named.includes(unit)).map((plan) => ({ ...plan, required: true }));
  return { node, steps: planRestart(wanted), why };
}

async function intendToRun(
  operation: RunOperation,
  { id, outputs }: Deployment,
  { hooks, runs }: Hands,
): Promise<Intention | undefined> {
  const { is } = await runs.runs.look(id);
  if (is === 'running' || is === 'ended' || is === 'lost')
    return { run: { do: 'take-up', id }, why: 'it has been started already' };
  const hook = await hooks.find(operation.hook);
  if (hook === undefined && operation.hook !== 'script') return undefined;
  const names = outputs.map(({ name }) => name);
  const request = prepareRun(id, operation, names, hook, hooks.settings);
  const unit = runs.unitFor(id);
  const where = unit === undefined ? 'as a process of its own' : `as the unit ${unit}`;
  return { run: { do: 'run', request }, why: `${request.what}, ${where}` };
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
  const operation = selectOperation(
    deployment,
    hands.ledger.earlier(deployment),
    hands.config.rotation.phase,
  );
  const intention = operation && (await orRefusal(intend(operation, deployment, hands, signal)));
  if (!intention) return undefined;
  const { id, group, action, resource } = deployment;
  hands.progress({ event: 'deployment', id, text: [group, action, resource].filter(Boolean).join(', ') });
  const outcome =
    (await begin(deployment, intention, hands)) ?? (await attempt(intention, id, hands, signal));
  return await (replacesFiles(operation) ? conclude : concludeRun)(id, outcome, hands);
}

/** Records that its work is begun. @returns how it ends without that */
async function begin(
  deployment: Deployment,
  intention: Intention | Outcome,
  { ledger }: Hands,
): Promise<Outcome | undefined> {
  const { id, fault } = deployment;
  const lost = ledger.damaged(id);
  const entry = ledger.find(id);
  const begun = entry?.state === 'started' ? (entry.begun ?? 1) : 0;
  if (begun === 0) await ledger.accept(deployment);
  // A script is begun once, and looked after as often as it takes.
  const isRun = 'run' in intention;
  if (begun >= MOST_BEGUN && !isRun)
    return failed(
      new AgentError(
        'state',
        `it was begun ${begun} times, and each time something ended it before it was done: it is not begun again, ask for it anew`,
      ),
    );
  if (begun === 0 || !isRun) await ledger.start(id);
  return lost ? failed(LOST) : fault && failed(fault);
}

/** Whatever ends the agent in the middle of a deployment would do so for ever. */
const MOST_BEGUN = 5;

const replacesFiles = ({ kind }: Operation): boolean =>
  ['rotate', 'go-back', 'revoke', 'credentials'].includes(kind);

const LOST = new AgentError(
  'state',
  "this node's record of the deployment is damaged: whether it has run is not known, and it is not run again; ask for it anew",
);

/** What stands in the way of an operation is its outcome. @throws `aborted` */
async function orRefusal(intended: Promise<Intention | undefined>): Promise<Intention | Outcome | undefined> {
  try {
    return await intended;
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    return failed(error);
  }
}

async function attempt(
  intention: Intention | Outcome,
  id: string,
  hands: Hands,
  signal: AbortSignal,
): Promise<Outcome> {
  if ('statusCode' in intention) return intention;
  const { why } = intention;
  const nothing: Outcome = { statusCode: 0, stdout: `${why}\n`, stderr: '', outputs: {} };
  if ('nothing' in intention) return nothing;
  try {
    // What only a rotation, or a script, needs is loaded when one starts: an idle daemon stays small.
    if ('run' in intention) {
      const { carryOutRun } = await import('../execution/perform-run.ts');
      return await carryOutRun(id, intention.run, hands, signal);
    }
    const { node, steps } = intention;
    if (steps.length === 0) return nothing;
    const { carryOut } = await import('../execution/perform.ts');
    return await carryOut(steps, { owner: id, node, hands, signal });
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    // Whatever keeps it from being looked at, a script that runs is not over: the next pass looks again.
    if ('run' in intention && (await hands.runs.runs.look(id)).is === 'running') throw error;
    return failed(error);
  }
}
