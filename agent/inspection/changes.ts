import { canonicalName, namesOf, subjectOf } from '../../src/certificates/read.ts';
import type { Leaf } from './leaves.ts';

/** What a repair would change in a certificate: a unified diff of its subject and names. Keys are never shown. */
export type Change = { file: string; lines: string[] };

/** Of the certificates that would be for another subject or other names. */
export const changesOf = (leaves: readonly Leaf[]): Change[] =>
  leaves.flatMap(({ file, certificate, request }) => {
    const before = linesOf(subjectOf(certificate), namesOf(certificate));
    const after = linesOf(
      request.subject.map((pair) => pair.join('=')).join(', '),
      request.names.map(canonicalName),
    );
    if (before.size === after.size && [...before].every((line) => after.has(line))) return [];
    // The subjects come first: each is the first line of its side.
    const [[oldSubject = '', ...oldNames], [newSubject = '', ...newNames]] = [[...before], [...after]];
    const names = [...new Set([...oldNames, ...newNames])].toSorted();
    const lines = [...new Set([oldSubject, newSubject].toSorted()), ...names].map(
      (text) => `${!before.has(text) ? '+' : !after.has(text) ? '-' : ' '}${text}`,
    );
    const hunk = `@@ -1,${before.size} +1,${after.size} @@`;
    return [{ file, lines: [`--- ${file}`, `+++ ${file}`, hunk, ...lines] }];
  });

/** The subject, then the names. */
const linesOf = (subject: string, names: readonly string[]): Set<string> =>
  new Set([`subject ${subject}`, ...names.map((name) => `name ${name}`)]);
