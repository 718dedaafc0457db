import type { SignerRow } from '../certificates/layout.ts';

/** With which files kube-controller-manager signs, by the arguments that it is started with. */
export type SigningFiles = { certificate: string; key: string };

/** `--name=value` or `--name value`, on a line that is no comment. */
const ARGUMENT = /(--cluster-signing-(cert|key)-file(?:=|[ \t]+))([^\s"']+)/g;

/**
 * The certificate and the key that a file of arguments names; the last of each counts.
 *
 * @returns undefined where either is not named
 */
export function signingFilesIn(text: string): SigningFiles | undefined {
  const values = new Map<string, string>();
  for (const line of linesOf(text))
    for (const [, , which = '', value = ''] of line.matchAll(ARGUMENT)) values.set(which, value);
  const [certificate, key] = [values.get('cert'), values.get('key')];
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

/** The same file of arguments, byte for byte, with another certificate in place of the one that is named. */
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
