import type { Output } from '../process-io.ts';

/** Spaces between columns and before the first one. */
const GAP = 2;
/** The minimum width of a column, however many columns there are. */
const NARROWEST = 8;
/** Cells longer than this are wrapped before a column is left out. Columns that are always shown do not cause that. */
const COMFORTABLE = 32;

/** The titles in order, each with its rank: 0 is always shown, the highest rank is left out first. */
export type Columns = Readonly<Record<string, number>>;

type Cells = readonly (readonly string[])[];

/**
 * Formats columns without lines: readable, and easy to cut with awk. If the terminal is too narrow, leaves out columns
 * by rank and wraps the widest of the others.
 *
 * @param wide shows all columns, however narrow the terminal is
 * @returns also the titles of omitted columns
 */
export async function table(
  head: Columns,
  rows: Cells,
  { isTTY, columns }: Pick<Output, 'isTTY' | 'columns'> = {},
  { wide = false } = {},
): Promise<{ text: string; left: string[] }> {
  const [{ default: cliui }, { default: stringWidth }] = await Promise.all([
    import('cliui'),
    import('string-width'),
  ]);
  const titles = Object.keys(head);
  const all = [titles, ...rows];
  const natural = titles.map((_, index) => Math.max(...all.map((row) => stringWidth(row[index] ?? ''))));
  const room = !wide && isTTY === true && columns !== undefined ? columns : Infinity;
  const ranks = Object.values(head);
  const shown = fitting(ranks, natural, room);
  const widths = narrowed(
    shown.map((index) => ({ width: natural[index] ?? 0, rank: ranks[index] ?? 0 })),
    room - GAP * shown.length,
  );
  const ui = cliui({ width: widths.reduce((sum, width) => sum + width + GAP, 0), wrap: true });
  for (const row of all)
    ui.div(
      ...shown.map((index, place) => ({
        text: row[index] ?? '',
        width: (widths[place] ?? 0) + GAP,
        padding: [0, 0, 0, GAP] as const,
      })),
    );
  return { text: ui.toString(), left: titles.filter((_, index) => !shown.includes(index)) };
}

/** Indents a line, and wraps it on a terminal. */
export async function wrapped(
  text: string,
  { isTTY, columns }: Pick<Output, 'isTTY' | 'columns'> = {},
): Promise<string> {
  const { default: cliui } = await import('cliui');
  const width = isTTY === true && columns !== undefined ? columns : text.length + GAP;
  const ui = cliui({ width, wrap: true });
  ui.div({ text, width, padding: [0, 0, 0, GAP] });
  return ui.toString();
}

/** Returns the indices of the columns that fit. */
function fitting(ranks: readonly number[], natural: readonly number[], room: number): number[] {
  let shown = natural.map((_, index) => index);
  const widthOf = (index: number): number =>
    Math.min(natural[index] ?? 0, ranks[index] === 0 ? Infinity : COMFORTABLE);
  const width = (): number => shown.reduce((sum, index) => sum + GAP + widthOf(index), 0);
  while (width() > room) {
    const last = Math.max(...shown.map((index) => ranks[index] ?? 0));
    if (last === 0) break;
    shown = shown.filter((index) => ranks[index] !== last);
  }
  return shown;
}

/** Reduces widths until they fit. The widest columns shrink first; columns that are always shown shrink last. */
function narrowed(columns: readonly { width: number; rank: number }[], room: number): number[] {
  const widths = columns.map(({ width }) => width);
  const widest = (gives: (column: number) => boolean): number | undefined =>
    columns
      .keys()
      .filter(gives)
      .toArray()
      .toSorted((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0))[0];
  for (let over = widths.reduce((sum, width) => sum + width, 0) - room; over > 0; over -= 1) {
    const next =
      widest((column) => columns[column]?.rank !== 0 && (widths[column] ?? 0) > COMFORTABLE) ??
      widest((column) => (widths[column] ?? 0) > NARROWEST);
    if (next === undefined) break;
    widths[next] = (widths[next] ?? 0) - 1;
  }
  return widths;
}
