import { certificatesIn, fingerprint } from './read.ts';

/**
 * Removes a cluster's former CAs. All CAs of a cluster have the same subject, so a former CA has the subject of a
 * present one but is not among the present ones. CAs with other subjects stay.
 *
 * @param held PEM; returned unchanged if nothing is removed
 * @param present the CAs to keep, PEM
 */
export function withoutFormerCas(held: string, present: string): string {
  const staying = certificatesIn(present, 'the present CAs');
  const marks = new Set(staying.map(fingerprint));
  const subjects = new Set(staying.map(({ subject }) => subject));
  const there = certificatesIn(held, 'the CAs that are trusted');
  const kept = there.filter((one) => marks.has(fingerprint(one)) || !subjects.has(one.subject));
  return kept.length === there.length ? held : kept.map(String).join('');
}
