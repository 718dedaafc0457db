import { codeOf, type ErrorCode } from '../../src/base/errors.ts';
import type { Hands } from '../hands.ts';
import type { Difference } from '../inspection/differences.ts';
import type { Node } from '../node.ts';
import { withAddresses } from '../pass/addresses.ts';
import { findDifferences, type Ports } from '../upkeep/find-differences.ts';
import { readUpkeep } from '../upkeep/record.ts';
import { shareOfNode } from '../upkeep/share.ts';

/** Errors that make a file of the node unreadable. */
const UNREADABLE: ReadonlySet<ErrorCode | undefined> = new Set<ErrorCode>([
  'bad-file',
  'bad-heat-params',
  'bad-certificate',
  'disk',
]);

/**
 * Returns how the node differs from its desired state now. Asks the metadata service for addresses that heat-params
 * leave empty. Does not ask Magnum: its last answer is used.
 *
 * @returns undefined when a file cannot be read; the inventory reports that file
 */
export async function compareNow(
  node: Node,
  ports: Ports,
  hands: Hands,
  abort: AbortSignal,
): Promise<readonly Difference[] | undefined> {
  try {
    const whole = await withAddresses(node, hands, abort);
    const options = { share: shareOfNode(node, hands), ports };
    return (await findDifferences(whole, await readUpkeep(hands), options, hands, abort)).differences;
  } catch (error) {
    if (UNREADABLE.has(codeOf(error))) return undefined;
    throw error;
  }
}
