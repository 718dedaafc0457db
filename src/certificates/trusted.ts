import type { Phase } from '../operation/phase.ts';
import type { CaType } from './layout.ts';
import { certificatesIn, fingerprint } from './read.ts';

/**
 * Returns the trust bundle of a CA file in a phase, PEM. It is a set; the CA of the leaves used in that phase comes
 * first. All CAs of a cluster have the same subject, and their leaves do not name the issuer's key. Go tries each CA,
 * but OpenSSL, Node and Python try only the first one of that name (measured, OpenSSL 3.0). With this order they keep
 * working: with the present certificates in `trust`, with the new ones in `reissue`.
 *
 * @param now the present content of the file; empty if it does not exist
 * @param fresh the CA that Magnum serves
 */
export function trustedIn(phase: Phase, now: string, fresh: string): string {
  if (phase === 'all' || phase === 'retire') return fresh;
  const there = certificatesIn(now, 'a CA file');
  const [added] = certificatesIn(fresh, 'the new CA');
  const wanted = new Map(
    [...(phase === 'reissue' && added ? [added] : []), ...there, ...(added ? [added] : [])].map((one) => [
      fingerprint(one),
      one,
    ]),
  );
  const order = [...wanted.keys()];
  // Keeps the text if it already contains these CAs in this order.
  if (there.length === order.length && there.every((one, index) => fingerprint(one) === order[index]))
    return now;
  return [...wanted.values()].map(String).join('');
}

/** Whether two types denote the same CA. */
export const sameCa = (a: CaType, b: CaType): boolean => canonicalCa(a) === canonicalCa(b);

/** Returns the canonical type of a CA that has two types. */
export const canonicalCa = (type: CaType): CaType => (type === 'kubelet' ? 'kubernetes' : type);
