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
    const all = [...new Set([...before, ...after])].toSorted(
      (a, b) => Number(isSubject(b)) - Number(isSubject(a)) || (a < b ? -1 : 1),
    );
    const lines = all.map((text) => `${!before.has(text) ? '+' : !after.has(text) ? '-' : ' '}${text}`);
    if (lines.every((text) => text.startsWith(' '))) return [];
    const hunk = `@@ -1,${before.size} +1,${after.size} @@`;
    return [{ file, lines: [`--- ${file}`, `+++ ${file}`, hunk, ...lines] }];
  });

const linesOf = (subject: string, names: readonly string[]): Set<string> =>
  new Set([`subject ${subject}`, ...names.map((name) => `name ${name}`)]);

const isSubject = (text: string): boolean => text.startsWith('subject ');
