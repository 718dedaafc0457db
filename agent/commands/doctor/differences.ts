import type { Hands } from '../../hands.ts';
import { lookAtDifferences } from '../../inspection/difference-findings.ts';
import type { Examination } from '../../inspection/examination.ts';
import { compareNow } from '../compare.ts';
import type { Seen } from './node.ts';

/** Compares the certificates with the desired state. Findings about single files report those that cannot be read. */
export async function compareCertificates(
  { node, phase }: Seen,
  hands: Hands,
  { look }: Examination,
  abort: AbortSignal,
): Promise<void> {
  if (!node) return;
  await look(
    { id: 'difference' },
    async () => await compareNow(node, false, hands, abort),
    (found) => (found ? lookAtDifferences(found, phase, node.params.get('CLUSTER_UUID') ?? '') : []),
  );
}
