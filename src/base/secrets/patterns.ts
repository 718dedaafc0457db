/** A part of a text: from `start` (inclusive) to `end` (exclusive). */
export type Span = { start: number; end: number };

/** Finds many patterns in one scan. The time depends on the text, not on the number of patterns. */
export type PatternIndex = {
  insert(patterns: readonly string[]): void;
  /** Returns the occurrences in order; those that touch each other are merged. */
  spansIn(text: string): Span[];
};

/** How many characters are compared together. */
const BLOCK = 3;
const TABLE = 2 ** 18;

/**
 * Creates a Wu-Manber search: it looks at three characters, and a table tells how far to skip. A daemon runs only V8's
 * interpreter, so the steps per character must be few.
 *
 * @param shortest minimum length of a pattern, at least three
 * @param accepts whether an occurrence counts
 */
export function createPatternIndex(
  shortest: number,
  accepts: (text: string, start: number, end: number) => boolean = () => true,
): PatternIndex {
  /** By block: the minimum number of characters to skip before a pattern's first `shortest` characters can end. */
  const skips = new Uint8Array(TABLE).fill(shortest - BLOCK + 1);
  /** By their first `shortest` characters, longest first. */
  const patternsAt = new Map<string, string[]>();

  const insert = (pattern: string): void => {
    const key = pattern.slice(0, shortest);
    const same = patternsAt.get(key);
    if (same?.includes(pattern) === true) return;
    patternsAt.set(key, same ? [...same, pattern].toSorted((a, b) => b.length - a.length) : [pattern]);
    for (let end = BLOCK - 1; end < shortest; end += 1) {
      const block = blockAt(key, end);
      skips[block] = Math.min(skips[block] ?? 0, shortest - 1 - end);
    }
  };

  return {
    insert: (patterns) => {
      for (const pattern of patterns) insert(pattern);
    },
    spansIn: (text) => {
      const spans: Span[] = [];
      if (patternsAt.size === 0) return spans;
      for (let last = shortest - 1; last < text.length;) {
        const skip = skips[blockAt(text, last)] ?? 0;
        if (skip > 0) {
          last += skip;
          continue;
        }
        const start = last + 1 - shortest;
        for (const pattern of patternsAt.get(text.slice(start, last + 1)) ?? [])
          if (text.startsWith(pattern, start) && accepts(text, start, start + pattern.length)) {
            const before = spans.at(-1);
            const end = start + pattern.length;
            if (before && start <= before.end) before.end = Math.max(before.end, end);
            else spans.push({ start, end });
            break;
          }
        last += 1;
      }
      return spans;
    },
  };
}

/** Hashes the three characters that end at a position. */
const blockAt = (text: string, end: number): number =>
  ((text.charCodeAt(end - 2) << 10) ^ (text.charCodeAt(end - 1) << 5) ^ text.charCodeAt(end)) & (TABLE - 1);
