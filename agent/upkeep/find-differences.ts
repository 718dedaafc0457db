import type { Hands } from '../hands.ts';
import type { Served } from '../inspection/certificates.ts';
import { type Difference, differencesOf } from '../inspection/differences.ts';
import { type Holding, takeInventory } from '../inspection/inventory.ts';
import { type Leaf, readLeaves } from '../inspection/leaves.ts';
import type { Node } from '../node.ts';
import { missingKeys } from '../rotation/missing-keys.ts';
import type { UpkeepRecord } from './record.ts';
import { servedAsKnown } from './served.ts';

/** Whether to connect to the units' ports, or the certificates that they have just presented. */
export type Ports = boolean | ReadonlyMap<string, Served>;

/**
 * Reads the node and compares it with its desired state.
 *
 * @param node its values include the addresses that heat-params leave empty
 * @param share of the renewal window
 * @param ports connecting to them loads more modules than an idle daemon should hold
 * @throws `bad-file` or `bad-heat-params` when the node cannot be compared
 */
export async function findDifferences(
  node: Node,
  record: UpkeepRecord,
  { share, ports }: { share: number; ports: Ports },
  hands: Hands,
  abort: AbortSignal,
): Promise<{ leaves: Leaf[]; differences: Difference[] }> {
  const now = hands.clock.now();
  const holdings = await takeInventory(hands.disk, node.layout, now);
  const leaves = await readLeaves(node, hands);
  const differences = differencesOf({
    layout: node.layout,
    holdings,
    leaves,
    missingKeys: await missingKeys(node, hands),
    served: servedAsKnown(record, node.layout, holdings),
    presented:
      typeof ports === 'object' ? ports : ports ? await seePorts(node, hands, holdings, abort) : new Map(),
    now,
    skewMs: hands.skewMs(),
    share,
    loginRefused: record.login && record.login.refusals > 0 ? record.login.why : undefined,
  });
  return { leaves, differences };
}

/** Connects to the ports. Loaded only then, which keeps an idle daemon small. */
async function seePorts(
  node: Node,
  hands: Hands,
  holdings: readonly Holding[],
  abort: AbortSignal,
): Promise<ReadonlyMap<string, Served>> {
  const { askPorts } = await import('../inspection/certificates.ts');
  return await askPorts(node, hands, holdings, abort);
}
