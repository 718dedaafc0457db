import type { Hands } from '../hands.ts';
import { readReport } from '../inspection/report.ts';
import { readNodeIfThere } from '../node.ts';
import { clientsOf } from '../peers/clients.ts';

/**
 * Reads the report for this node's Node, without the times.
 *
 * @returns undefined on a node without Kubernetes, or one that is not set up yet
 * @throws `bad-file` when its certificates cannot be read
 */
export async function readOwnReport(hands: Hands): ReturnType<typeof readReport> {
  const node = await readNodeIfThere(hands);
  return node && clientsOf(node).kubernetes ? await readReport(node, hands) : undefined;
}
