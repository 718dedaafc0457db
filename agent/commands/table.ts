import type { Output } from '../process-io.ts';

/** Between two columns, and before the first. */
const GAP = 2;
/** No column becomes narrower, however many there are. */
const NARROWEST = 8;

/**
 * Columns without lines: it reads well and can be cut with awk. On a terminal that is too narrow for it, the widest
 * columns are wrapped.
 */
export async function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { isTTY, columns }: Pick<Output, 'isTTY' | 'columns'> = {},
): Promise<string> {
  const [{ default: cliui }, { default: stringWidth }] = await Promise.all([
    import('cliui'),
    import('string-width'),
  ]);
  const all = [head, ...rows];
  const natural = head.map((_, index) => Math.max(...all.map((row) => stringWidth(row[index] ?? ''))));
  const room = isTTY === true && columns !== undefined ? columns - GAP * head.length : Infinity;
  const widths = narrowed(natural, room);
  const ui = cliui({ width: widths.reduce((sum, width) => sum + width + GAP, 0), wrap: true });
  for (const row of all)
    ui.div(
      ...row.map((text, index) => ({
        text,
        width: (widths[index] ?? 0) + GAP,
        padding: [0, 0, 0, GAP] as const,
      })),
    );
  return ui.toString();
}

/** Widths that fit into the room: the widest columns give of theirs. */
function narrowed(natural: readonly number[], room: number): number[] {
  const widths = [...natural];
  for (let over = widths.reduce((sum, width) => sum + width, 0) - room; over > 0; over -= 1) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= NARROWEST) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}
