import { readText } from '../../src/base/disk.ts';
import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { handLeadershipOver } from '../../src/services/etcd-leader.ts';
import type { Hands } from '../hands.ts';
import { type Client, readClient } from './clients.ts';

/**
 * Moves etcd's leadership to another member before this node's etcd restarts, if it leads. Otherwise the cluster would
 * have no leader until an election. A failure is logged; etcd then elects a leader itself.
 *
 * @param url the client address of this node's etcd
 * @param well the names of the other members that are healthy: only these may lead
 */
export async function handOver(
  url: string | undefined,
  well: readonly string[],
  client: Client,
  hands: Hands,
  abort: AbortSignal,
): Promise<void> {
  try {
    const identity = await readClient(client, hands);
    const ca = await readText(hands.disk, client.ca);
    if (url === undefined || !identity || ca === undefined) return;
    const to = await handLeadershipOver(
      well,
      async (method, message) => await hands.callEtcd({ url, ca, ...identity }, method, message, abort),
    );
    if (to !== undefined) hands.log('etcd-leader-moved', { to });
  } catch (error) {
    if (codeOf(error) === 'aborted' || !(error instanceof AgentError)) throw error;
    hands.log('etcd-leader-kept', { code: codeOf(error), why: explain(error) });
  }
}
