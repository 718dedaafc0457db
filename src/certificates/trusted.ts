import type { Phase } from '../operation/phase.ts';
import type { CaType } from './layout.ts';
import { certificatesIn, fingerprint } from './read.ts';

/**
 * The CAs that a file for who verifies holds in a phase, PEM: a set, in which the CA of the node's own certificates of
 * then comes first. All CAs of a cluster have the same subject, and their leaves name no key of their issuer: Go
 * tries every one of them, but OpenSSL, Node and Python take the first of that name and no other (measured, OpenSSL
 * 3.0). So they go on working with the certificates of now in `trust`, and with the new ones in `reissue`.
 *
 * @param now what the file holds, none where there is no file
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
  // What is right already stays as it is written.
  if (there.length === order.length && there.every((one, index) => fingerprint(one) === order[index]))
    return now;
  return [...wanted.values()].map(String).join('');
}

/** Two names of one CA. */
export const sameCa = (a: CaType, b: CaType): boolean => canonicalCa(a) === canonicalCa(b);

/** One name of a CA that has two. */
export const canonicalCa = (type: CaType): CaType => (type === 'kubelet' ? 'kubernetes' : type);
