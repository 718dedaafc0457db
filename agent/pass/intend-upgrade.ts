import { AgentError } from '../../src/base/errors.ts';
import { pollUntil } from '../../src/base/poll.ts';
import type { Deployment } from '../../src/deployment/deployment.ts';
import { endOfRun } from '../../src/hooks/run.ts';
import { given } from '../../src/metadata/heat-params.ts';
import type { MagnumUpdate } from '../../src/operation/magnum-deployment.ts';
import { selectRun } from '../../src/operation/run.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import type { Intention } from '../plan/intention.ts';
import { timed } from '../progress.ts';
import { runInContainer } from './in-container.ts';

type Upgrade =
  /** The upgrade must be started, or is running. */
  | { is: 'due'; intention: Intention }
  /** A run of this deployment has completed it. */
  | { is: 'done'; said: string }
  | { is: 'not-asked' };

const DONE: Upgrade = {
  is: 'done',
  said: "Magnum's upgrade has run in a container like heat-container-agent's",
};

/** Limit for the wait after a reboot was ordered: the node shuts down within seconds. */
const REBOOT_MS = 600_000;
const AGAIN_MS = 1000;

/**
 * Plans an upgrade: Magnum's own script, run in the container for which it was written. The upgrade has ended when the
 * node is in the requested state, which may need a reboot.
 *
 * @throws `precondition` when it cannot run here; `unit` when it was lost, failed or did not lead to the requested
 * state
 */
export async function intendToUpgrade(
  operation: MagnumUpdate,
  deployment: Deployment,
  node: Node,
  hands: Hands,
  abort: AbortSignal,
): Promise<Upgrade> {
  const { id } = deployment;
  const { runs } = hands;
  const run = await runs.runs.look(id);
  if (run.is === 'running') {
    const why = 'the upgrade is already running';
    const intention = {
      kind: 'run',
      run: { do: 'take-up', id },
      why,
      continues: true,
      magnum: 'upgrade',
    } as const;
    return { is: 'due', intention };
  }
  const due = await dueUpgrade(operation, node, hands, abort);
  if (run.is === 'none' || run.is === 'ordered') {
    if (!due) return { is: 'not-asked' };
    return { is: 'due', intention: await orderUpgrade(operation, deployment, due, hands, abort) };
  }
  if (!due) return DONE;
  const { is, stderr } = await endOfRun(id, run, runs);
  if (run.is === 'lost' || is === 'failed' || !due.reboots)
    throw new AgentError('unit', `${due.what}: the upgrade ended without doing this: ${stderr.trim()}`, {
      reason: 'upgrade-incomplete',
    });
  const step = { code: 'await-reboot', text: `wait for the reboot to ${due.what}` } as const;
  await timed(hands, step, async () => {
    await awaitReboot(operation, node, hands, abort);
  });
  return DONE;
}

async function awaitReboot(
  operation: MagnumUpdate,
  node: Node,
  hands: Hands,
  abort: AbortSignal,
): Promise<void> {
  const { clock } = hands;
  const late = { code: 'unit', what: 'the upgrade has ended, and the node has not been rebooted' } as const;
  const deadline = clock.elapsed() + REBOOT_MS;
  await pollUntil({ clock, everyMs: AGAIN_MS, deadline, late }, abort, async () => {
    const due = await dueUpgrade(operation, node, hands, abort);
    if (due) throw new AgentError('not-yet', `still to do: ${due.what}`);
  });
}

/** An upgrade in words. `reboots`: it ends with a reboot. */
type Due = { what: string; reboots: boolean };

async function dueUpgrade(
  { wants: { kubeTag, ostreeCommit, ostreeRemote } }: MagnumUpdate,
  { params }: Node,
  { deployedOs }: Hands,
  abort: AbortSignal,
): Promise<Due | undefined> {
  const has = given(params, 'KUBE_TAG');
  if (kubeTag !== undefined && kubeTag !== has)
    return { what: `upgrade Kubernetes from ${has ?? 'an unknown version'} to ${kubeTag}`, reboots: false };
  if (ostreeCommit === undefined && ostreeRemote === undefined) return undefined;
  const os = await deployedOs(abort);
  if (ostreeCommit !== undefined && ostreeCommit !== os.commit)
    return { what: `deploy the OSTree commit ${ostreeCommit}`, reboots: true };
  // As in Magnum's script, one upgrade has either a commit or a remote.
  if (ostreeCommit === undefined && ostreeRemote !== os.remote)
    return { what: `rebase to the OSTree remote ${ostreeRemote}`, reboots: true };
  return undefined;
}

async function orderUpgrade(
  { upgrade }: MagnumUpdate,
  deployment: Deployment,
  { what }: Due,
  hands: Hands,
  abort: AbortSignal,
): Promise<Intention> {
  if (upgrade === undefined)
    throw new AgentError(
      'precondition',
      `Magnum asks to ${what}: the agent cannot separate the upgrade from the certificates in this script, so it runs none of it`,
      { reason: 'upgrade-inseparable' },
    );
  const run = selectRun({ ...deployment, raw: { ...deployment.raw, config: upgrade } });
  if (run?.kind !== 'run')
    throw new AgentError('bad-deployment', run?.why ?? 'the deployment names no group', {
      reason: run?.reason,
    });
  const step = await runInContainer(run, deployment, { what: 'the upgrade', continues: true }, hands, abort);
  if (!step)
    throw new AgentError(
      'precondition',
      `Magnum asks to ${what}, with a script for heat-container-agent's container: this node has no such container, so the script is not run`,
      { reason: 'no-agent-container' },
    );
  return { kind: 'run', run: step, why: what, continues: true, magnum: 'upgrade' };
}
