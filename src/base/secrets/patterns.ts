/** A part of a text: from `start` up to, and not with, `end`. */
export type Span = { start: number; end: number };

/** Finds many patterns in one go, in time that grows with the text and not with their number. */
export type PatternIndex = {
  insert(patterns: readonly string[]): void;
  /** Where they stand, in order; those that touch each other are one. */
  spansIn(text: string): Span[];
};

/** How many characters are looked at together. */
const BLOCK = 3;
const TABLE = 2 ** 18;

/**
 * The search of Wu and Manber: it looks at three characters, and a table says how far the next beginning of a pattern
 * can be. A daemon has V8's interpreter alone, so few steps a character count.
 *
 * @param shortest the least length of a pattern, three or more
 * @param accepts whether an occurrence counts
 */
export function createPatternIndex(
  shortest: number,
  accepts: (text: string, start: number, end: number) => boolean = () => true,
): PatternIndex {
  /** By a block: how many characters ahead of it a pattern's first `shortest` ones may end at the earliest. */
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

/** A hash of the three characters that end at a place. */
const blockAt = (text: string, end: number): number =>
  ((text.charCodeAt(end - 2) << 10) ^ (text.charCodeAt(end - 1) << 5) ^ text.charCodeAt(end)) & (TABLE - 1);
