import { styleText } from 'node:util';
import { printable } from '../../src/base/printable.ts';
import type { Secrets } from '../../src/base/secrets.ts';
import type { Holding } from '../inspection/inventory.ts';
import type { Progress } from '../progress.ts';
import type { Output } from '../process-io.ts';
import { table } from './table.ts';

/** Text for a person: coloured on a terminal, plain lines anywhere else. */
export type Terminal = {
  line(text?: string): void;
  table(head: readonly string[], rows: readonly (readonly string[])[]): Promise<void>;
  progress(event: Progress): void;
  paint(style: Style, text: string): string;
};

type Style = 'green' | 'red' | 'yellow' | 'dim' | 'bold' | 'cyan';

export function createTerminal(output: Output, secrets: Secrets): Terminal {
  const paint = (style: Style, text: string): string =>
    output.hasColours === true ? styleText(style, text, { validateStream: false }) : text;
  const line = (text = ''): void => {
    output.write(`${printable(secrets.redact(text))}\n`);
  };
  return {
    line,
    paint,
    table: async (head, rows) => {
      line(await table(head, rows, output));
    },
    progress: (event) => {
      switch (event.event) {
        case 'deployment':
          line(`${paint('bold', `deployment ${event.id}`)}  ${event.text}`);
          return;
        case 'done':
          line(
            `  ${paint('green', '✓')} ${event.step.text}  ${paint('dim', `${(event.ms / 1000).toFixed(1)} s`)}`,
          );
          return;
        case 'failed':
          line(`  ${paint('red', '✗')} ${event.step.text}: ${event.why}`);
          return;
        case 'skipped':
          line(`  ${paint('dim', '-')} ${event.step.text}: skipped, ${event.why}`);
          return;
        case 'notice':
          line(`  ${paint('yellow', '!')} ${event.text}`);
          return;
        case 'output':
          line(`    ${paint('dim', event.text.replaceAll(/\p{Cc}/gu, ' '))}`);
          return;
        case 'step':
        case 'part':
          return;
      }
    },
  };
}

export const CHANGES = ['file', 'was', 'is', 'valid until'];

/** The certificates that are others than before, as rows of a table. */
export const changesBetween = (before: readonly Holding[], after: readonly Holding[]): string[][] =>
  after.flatMap((now) => {
    const was = before.find(({ file }) => file === now.file);
    return was?.fingerprint === now.fingerprint
      ? []
      : [[now.file, short(was?.fingerprint), short(now.fingerprint), day(now.notAfter)]];
  });

/** A fingerprint as far as a person compares it. */
export const short = (fingerprint: string | undefined): string => fingerprint?.slice(0, 16) ?? '-';

export const day = (iso: string | undefined): string => iso?.slice(0, 10) ?? '-';
