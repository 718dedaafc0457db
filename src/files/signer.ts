import type { SignerRow } from '../certificates/layout.ts';

/** The files with which kube-controller-manager signs, from its arguments. */
export type SigningFiles = { certificate: string; key: string };

/** `--name=value` or `--name value`, on a line that is not a comment. */
const ARGUMENT = /(--cluster-signing-(cert|key)-file(?:=|[ \t]+))([^\s"']+)/g;

/**
 * Finds the signing certificate and key in a file of arguments; the last of each wins.
 *
 * @returns undefined if either is missing
 */
export function signingFilesIn(text: string): SigningFiles | undefined {
  const values = new Map<string, string>();
  for (const line of linesOf(text))
    for (const [, , which = '', value = ''] of line.matchAll(ARGUMENT)) values.set(which, value);
  const [certificate, key] = [values.get('cert'), values.get('key')];
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

/** Replaces the signing certificate in a file of arguments and keeps every other byte. */
export function signingWith(content: Buffer, from: string, { file }: SignerRow): Buffer {
  const text = content.toString('latin1');
  const lines = text
    .split('\n')
    .map((line) =>
      isComment(line)
        ? line
        : line.replaceAll(ARGUMENT, (all: string, before: string, which: string, value: string) =>
            which === 'cert' && value === from ? `${before}${file.path}` : all,
          ),
    );
  return Buffer.from(lines.join('\n'), 'latin1');
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => !isComment(line));
const isComment = (line: string): boolean => line.trimStart().startsWith('#');
