import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { given } from '../../src/metadata/heat-params.ts';
import type { RotateOperation } from '../../src/operation/operation.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import type { PlanNotice } from '../plan/step.ts';
import { goesByItself } from './by-itself.ts';
import { countEtcdOnce } from './count-masters.ts';
import { servedCa, type ServedCas } from './served-cas.ts';

/** A rotation with the phase that fits the cluster, and the tasks left for its owner. */
export type Fitted = { operation: RotateOperation; notices: readonly PlanNotice[] };

/** The tasks of the cluster's owner after `trust`. */
export const PHASES_LEFT: readonly PlanNotice[] = [
  {
    code: 'phases-left',
    text: [
      'this was the phase "trust": the cluster has several masters, and a single master cannot work with the new CA alone',
      'when every node has reported, run the other two phases with a stack of scripts/heat/group-in-batches.yaml:',
      '  openstack stack update --existing --wait --parameter rotation=NAME --parameter phase=reissue rotations',
      '  openstack stack update --existing --wait --parameter rotation=NAME --parameter phase=retire rotations',
    ].join('\n'),
  },
];

/** The API server of the only master may be restarting. */
const RESTART = { baseMs: 1000, capMs: 5000, forMs: 60_000 };

/**
 * Fits the phase of a rotation to the cluster. If one etcd member alone changed to a new CA, its peers, which have the
 * old one, would reject it. So a rotation without a named phase becomes `trust` on such masters and on the workers, and
 * `all` is rejected.
 *
 * @throws `precondition` for `all` where etcd has several members
 */
export async function fitPhase(
  operation: RotateOperation,
  node: Node,
  hands: Hands,
  abort: AbortSignal,
): Promise<Fitted> {
  if (operation.phase !== 'all') return { operation, notices: [] };
  const trust = { ...operation, phase: 'trust' } as const;
  const count = countEtcdOnce(node, hands, abort);
  if (operation.isUnnamed && (await goesByItself(node, hands, abort, { patience: RESTART, members: count })))
    return { operation: trust, notices: [] };
  if (node.role === 'worker') return { operation, notices: [] };
  const members = await count();
  if (members === 'none' || members === 1) return { operation, notices: [] };
  if (operation.isUnnamed) return { operation: trust, notices: PHASES_LEFT };
  // If etcd does not answer, an explicit phase applies.
  if (members === 'unknown') return { operation, notices: [] };
  throw new AgentError(
    'precondition',
    `etcd has ${members} members, and a single one cannot work with the new CA alone: rotate with the phases "trust", "reissue" and "retire", each on every node`,
    { reason: 'phases-needed' },
  );
}

/**
 * Does the same for a worker, which Magnum updates after all masters. While their API presents a certificate of a
 * former CA, the masters are in the phase `trust`, so the worker takes that phase too.
 */
export async function fitWorker(
  operation: RotateOperation,
  served: ServedCas,
  { role, params, layout }: Node,
  { presented, log }: Hands,
  abort: AbortSignal,
): Promise<Fitted> {
  const host = given(params, 'KUBE_MASTER_IP');
  const ca = layout.authorities[0] && servedCa(served, layout.authorities[0].ca);
  if (operation.phase !== 'all' || role !== 'worker' || host === undefined || !ca)
    return { operation, notices: [] };
  try {
    const leaf = await presented(host, Number(given(params, 'KUBE_API_PORT') ?? 6443), abort);
    if (leaf.verify(ca.publicKey)) return { operation, notices: [] };
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    log('api-server-unknown', { why: explain(error) });
  }
  return { operation: { ...operation, phase: 'trust' }, notices: PHASES_LEFT };
}
