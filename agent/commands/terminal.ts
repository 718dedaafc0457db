import { styleText } from 'node:util';
import { every, systemClock } from '../../src/base/clock.ts';
import { printable } from '../../src/base/printable.ts';
import type { Secrets } from '../../src/base/secrets.ts';
import type { Holding } from '../inspection/inventory.ts';
import type { Progress } from '../progress.ts';
import type { Output } from '../process-io.ts';
import { createLiveLine, type Every } from './live-line.ts';
import { type Columns, table, wrapped } from './table.ts';
import { createUnderWay } from './under-way.ts';

/** Writes text for a person: with colours on a terminal, otherwise plain lines. */
export type Terminal = {
  line(text?: string): void;
  table(head: Columns, rows: readonly (readonly string[])[]): Promise<void>;
  progress(event: Progress): void;
  paint(style: Style, text: string): string;
};

type Style = 'green' | 'red' | 'yellow' | 'dim' | 'bold' | 'cyan';

/** The time used for live output. */
type Ticking = { elapsed(): number; every: Every };

/**
 * Creates the output for a person.
 *
 * @param wide shows every column of a table, however narrow the terminal is
 * @param ticking for tests
 */
export function createTerminal(
  output: Output,
  secrets: Secrets,
  { wide = false }: { wide?: boolean } = {},
  ticking: Ticking = { elapsed: systemClock.elapsed, every },
): Terminal {
  const live = createLiveLine(output, ticking.every);
  const underWay = createUnderWay(ticking.elapsed);
  const paint = (style: Style, text: string): string =>
    output.hasColours === true ? styleText(style, text, { validateStream: false }) : text;
  const line = (text = ''): void => {
    live.clear();
    output.write(`${shownAs(text)}\n`);
  };
  const shownAs = (text: string): string => {
    const shown = printable(secrets.redact(text));
    return output.hasUtf8 === false ? inAscii(shown) : shown;
  };
  const told = (event: Progress): void => {
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
        line(`  ${paint('red', '✗')} ${event.step.text}${event.isTold ? '' : `: ${event.why}`}`);
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
      case 'waiting':
        return;
    }
  };
  return {
    line,
    paint,
    table: async (head, rows) => {
      const { text, left } = await table(head, rows, output, { wide });
      line(text);
      if (left.length > 0) line(paint('dim', await wrapped(`(--wide: also ${left.join(', ')})`, output)));
    },
    progress: (event) => {
      told(event);
      underWay.hear(event);
      if (underWay.line() === undefined) live.clear();
      else live.show(() => shownAs(underWay.line() ?? '').replaceAll('\n', ' '));
    },
  };
}

const MARKS: Readonly<Record<string, string>> = { '✓': '+', '✗': 'x', '…': '~' };

/** Replaces characters for a terminal without UTF-8. Each character keeps its width, so that columns stay aligned. */
const inAscii = (text: string): string =>
  text.replaceAll(/[^\p{ASCII}]/gu, (character) => MARKS[character] ?? '?');

export const CHANGES = { file: 0, was: 3, is: 2, 'valid until': 1 };

/** Returns the certificates that changed, as rows of a table. */
export const changesBetween = (before: readonly Holding[], after: readonly Holding[]): string[][] =>
  after.flatMap((now) => {
    const was = before.find(({ file }) => file === now.file);
    return was?.fingerprint === now.fingerprint
      ? []
      : [[now.file, short(was?.fingerprint), short(now.fingerprint), day(now.notAfter)]];
  });

/** Shortens a fingerprint to the part that a person compares. */
export const short = (fingerprint: string | undefined): string => fingerprint?.slice(0, 16) ?? '-';

export const day = (iso: string | undefined): string => iso?.slice(0, 10) ?? '-';

/** Formats a time: `2031-11-28 02:05Z`. */
export const minute = (iso: string | undefined): string =>
  iso?.slice(0, 16).replace('T', ' ').concat('Z') ?? '-';
