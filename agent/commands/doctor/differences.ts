import { codeOf } from '../../../src/base/errors.ts';
import type { Hands } from '../../hands.ts';
import { lookAtDifferences } from '../../inspection/difference-findings.ts';
import type { Examination } from '../../inspection/examination.ts';
import { withAddresses } from '../../pass/addresses.ts';
import { findDifferences } from '../../upkeep/find-differences.ts';
import { readUpkeep } from '../../upkeep/record.ts';
import { shareOfNode } from '../../upkeep/share.ts';
import type { Seen } from './node.ts';

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
        const code = codeOf(error);
        // Another finding says so.
        if (code === 'bad-file' || code === 'bad-heat-params') return undefined;
        throw error;
      }
    },
    (found) => (found ? lookAtDifferences(found, phase, node.params.get('CLUSTER_UUID') ?? '') : []),
  );
}
