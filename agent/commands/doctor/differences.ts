import { codeOf, type ErrorCode } from '../../../src/base/errors.ts';
import type { Hands } from '../../hands.ts';
import { lookAtDifferences } from '../../inspection/difference-findings.ts';
import type { Examination } from '../../inspection/examination.ts';
import { withAddresses } from '../../pass/addresses.ts';
import { findDifferences } from '../../upkeep/find-differences.ts';
import { readUpkeep } from '../../upkeep/record.ts';
import { shareOfNode } from '../../upkeep/share.ts';
import type { Seen } from './node.ts';

/** What makes a file of the node unreadable. */
const TOLD: ReadonlySet<ErrorCode | undefined> = new Set<ErrorCode>([
  'bad-file',
  'bad-heat-params',
  'bad-certificate',
  'disk',
]);

/** Compares the certificates with what they should be; the metadata service is asked for addresses that heat-params leave empty. */
export async function compareCertificates(
  { node, phase }: Seen,
  hands: Hands,
  { look }: Examination,
  abort: AbortSignal,
): Promise<void> {
  if (!node) return;
  await look(
    { id: 'difference' },
    async () => {
      try {
        const whole = await withAddresses(node, hands, abort);
        const options = { share: shareOfNode(node, hands), ports: false };
        return (await findDifferences(whole, await readUpkeep(hands), options, hands, abort)).differences;
      } catch (error) {
        // The findings `certificate`, `kubeconfig` and `heat-params` say so.
        if (TOLD.has(codeOf(error))) return undefined;
        throw error;
      }
    },
    (found) => (found ? lookAtDifferences(found, phase, node.params.get('CLUSTER_UUID') ?? '') : []),
  );
}
