import { certificatesIn, fingerprint } from './read.ts';

/**
 * CAs without the former ones of a cluster: all of its CAs have the same subject, so a former one is one with the subject
 * of a present one that is none of these. CAs of others stay.
 *
 * @param held PEM; the same text comes back where nothing goes
 * @param present the CAs that are to stay, PEM
 */
export function withoutFormerCas(held: string, present: string): string {
  const staying = certificatesIn(present, 'the present CAs');
  const marks = new Set(staying.map(fingerprint));
  const subjects = new Set(staying.map(({ subject }) => subject));
  const there = certificatesIn(held, 'the CAs that are trusted');
  const kept = there.filter((one) => marks.has(fingerprint(one)) || !subjects.has(one.subject));
  return kept.length === there.length ? held : kept.map(String).join('');
}
