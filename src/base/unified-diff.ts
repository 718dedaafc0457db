/** Lines of context around a change. */
const CONTEXT = 3;

/** Above this, the whole text counts as replaced. */
const MOST_LINES = 2000;

type Line = { mark: ' ' | '-' | '+'; text: string };

/**
 * The difference of two texts as a unified diff, a line each.
 *
 * @param before undefined: there is no such file
 * @returns none for equal texts
 */
export function unifiedDiff(
  path: string,
  before: readonly string[] | undefined,
  after: readonly string[],
): string[] {
  const lines = compare(before ?? [], after);
  const hunks = hunksOf(lines);
  return hunks.length === 0 ? [] : [`--- ${before ? path : '/dev/null'}`, `+++ ${path}`, ...hunks.flat()];
}

/** By the longest common subsequence. */
function compare(before: readonly string[], after: readonly string[]): Line[] {
  const removed = before.map((text): Line => ({ mark: '-', text }));
  const added = after.map((text): Line => ({ mark: '+', text }));
  if (before.length > MOST_LINES || after.length > MOST_LINES)
    return before.join('\n') === after.join('\n')
      ? before.map((text) => ({ mark: ' ', text }))
      : [...removed, ...added];
  const lengths = before.map(() => new Uint16Array(after.length + 1));
  const lengthAt = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = before.length - 1; i >= 0; i -= 1)
    for (let j = after.length - 1; j >= 0; j -= 1) {
      const row = lengths[i];
      if (row)
        row[j] =
          before[i] === after[j]
            ? lengthAt(i + 1, j + 1) + 1
            : Math.max(lengthAt(i + 1, j), lengthAt(i, j + 1));
    }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    const [old, fresh] = [removed[i], added[j]];
    if (old && old.text === fresh?.text) {
      lines.push({ mark: ' ', text: old.text });
      [i, j] = [i + 1, j + 1];
    } else if (old && (!fresh || lengthAt(i + 1, j) >= lengthAt(i, j + 1))) {
      lines.push(old);
      i += 1;
    } else if (fresh) {
      lines.push(fresh);
      j += 1;
    }
  }
  return lines;
}

/** @param next the number of the line after the hunk */
const range = (next: number, length = 0): string => `${length === 0 ? next - 1 : next - length},${length}`;

/** Changes with their context; those that are close to each other share a hunk. */
function hunksOf(lines: readonly Line[]): string[][] {
  const isNear = (index: number): boolean =>
    lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ mark }) => mark !== ' ');
  const hunks: string[][] = [];
  let current: Line[] = [];
  let [before, after] = [1, 1];
  const close = (): void => {
    const [old, fresh] = (['-', '+'] as const).map(
      (mark) => current.filter((line) => line.mark === ' ' || line.mark === mark).length,
    );
    if (current.length > 0)
      hunks.push([
        `@@ -${range(before, old)} +${range(after, fresh)} @@`,
        ...current.map(({ mark, text }) => `${mark}${text}`),
      ]);
    current = [];
  };
  for (const [index, line] of lines.entries()) {
    if (isNear(index)) current.push(line);
    else close();
    if (line.mark !== '+') before += 1;
    if (line.mark !== '-') after += 1;
    // The numbers of the hunk count its own lines, too.
    if (index === lines.length - 1) close();
  }
  return hunks;
}
