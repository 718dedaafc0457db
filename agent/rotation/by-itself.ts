import { codeOf, explain } from '../../src/base/errors.ts';
import type { Patience } from '../../src/base/retry.ts';
import { isTrue } from '../../src/metadata/heat-params.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { readRotation } from '../phases/record.ts';
import { apiServersFor, askEtcdMembers, type Members } from './count-masters.ts';
import { BRIEFLY } from './own-api.ts';

/**
 * Whether this node goes through the phases of a rotation by itself. It does with `rotation.phase: auto`. Where no phase is
 * configured, it does in a cluster of several masters: there no master can prove itself with a new CA alone.
 *
 * @param patience how long a worker waits for the API
 * @param members how many members etcd has, on a master whose caller needs the number as well
 */
export async function goesByItself(
  node: Node,
  hands: Hands,
  abort: AbortSignal,
  {
    patience = BRIEFLY,
    members = async () => await askEtcdMembers(node, hands, abort),
  }: { patience?: Patience; members?: () => Promise<Members> } = {},
): Promise<boolean> {
  const { phase } = hands.config.rotation;
  if (phase !== undefined) return phase === 'auto';
  if (isTrue(node.params.get('TLS_DISABLED'))) return false;
  const isWorker = node.role === 'worker';
  // Root's record outlasts an API that this node does not trust any more, and an etcd that does not answer.
  const { peers } = await readRotation(hands);
  if (peers.filter(({ isMaster }) => isMaster).length > (isWorker ? 1 : 0)) return true;
  try {
    const count = isWorker ? (await apiServersFor(node, hands, patience, abort)).length : await members();
    return typeof count === 'number' && count > 1;
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    hands.log('masters-unknown', { why: explain(error) });
    return false;
  }
}
