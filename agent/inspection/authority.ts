import type { X509Certificate } from 'node:crypto';
import { shellQuote } from '../../src/base/shell-quote.ts';
import type { AuthorityRow } from '../../src/certificates/layout.ts';
import { fingerprint } from '../../src/certificates/read.ts';
import type { Finding } from './finding.ts';
import type { Holding } from './inventory.ts';

const DAY_MS = 86_400_000;

/** Returns when Magnum created a CA, in milliseconds since the epoch: Magnum backdates its certificates by one day. */
export const madeAt = ({ validFromDate }: X509Certificate): number => validFromDate.getTime() + DAY_MS;

/** The circumstances in which a CA differs. */
export type Circumstances = {
  clusterUuid: string;
  /** A rotation is in progress on this node or will reach it soon, within its deadlines. */
  isUnderWay: boolean;
  /** The metadata lists a pending rotation. */
  isPending: boolean;
};

/**
 * Compares a CA file with the CA that Magnum serves. Magnum signs only with that CA, so a node without it rejects every
 * certificate that Magnum issues.
 *
 * @param circumstances called only if the CAs differ, because it waits for Heat
 */
export async function compareAuthority(
  { ca, file: { path } }: AuthorityRow,
  served: X509Certificate,
  holdings: readonly Holding[],
  circumstances: () => Promise<Circumstances>,
): Promise<Finding[]> {
  const about = { id: 'authority', of: path } as const;
  const held = holdings.find(({ file }) => file === path)?.certificates ?? [];
  // The finding `certificate` reports it.
  if (held.length === 0) return [];
  if (held.some((one) => fingerprint(one) === fingerprint(served)))
    return [{ ...about, verdict: 'good', what: `${path} holds the ${ca} CA that Magnum serves` }];
  const { clusterUuid, isUnderWay, isPending } = await circumstances();
  const what = `${path} does not hold the ${ca} CA that Magnum serves`;
  if (isUnderWay)
    return [
      {
        ...about,
        verdict: 'warning',
        reason: 'under-way',
        what: `${what}: a rotation is under way`,
        next: 'agent status',
      },
    ];
  const bad = { ...about, verdict: 'bad', reason: 'differs', isMended: true } as const;
  return isPending
    ? [{ ...bad, what: `${what}: a rotation is pending`, next: 'agent run-once' }]
    : [
        {
          ...bad,
          what: `${what}: no rotation that would replace it is under way`,
          next: `openstack coe ca rotate ${shellQuote(clusterUuid)}`,
        },
      ];
}
