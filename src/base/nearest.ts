/** A name may differ from the intended one by a third of its characters. */
const TOLERANCE = 3;

/** Returns the known name with the fewest edits, if they are few enough. */
export function nearestTo(name: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((one) => ({ one, edits: editsBetween(name, one) }))
    .toSorted((a, b) => a.edits - b.edits);
  return best && best.edits <= Math.max(1, Math.floor(name.length / TOLERANCE)) ? best.one : undefined;
}

/** Levenshtein distance. */
function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [above, character] of Array.from(from).entries()) {
    const next = [above + 1];
    for (let index = 1; index <= to.length; index += 1)
      next.push(
        Math.min(
          (next[index - 1] ?? 0) + 1,
          (row[index] ?? 0) + 1,
          (row[index - 1] ?? 0) + (to[index - 1] === character ? 0 : 1),
        ),
      );
    row = next;
  }
  return row.at(-1) ?? 0;
}
