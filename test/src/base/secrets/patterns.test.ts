import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPatternIndex, type Span } from '../../../../src/base/secrets/patterns.ts';

const SHORTEST = 4;

/** The same search without tables: marks every character of every occurrence. */
function naive(patterns: readonly string[], text: string): Span[] {
  const marks = Array.from({ length: text.length }, () => false);
  for (const pattern of patterns)
    for (let at = text.indexOf(pattern); at !== -1; at = text.indexOf(pattern, at + 1))
      marks.fill(true, at, at + pattern.length);
  const spans: Span[] = [];
  for (const [at, isMarked] of marks.entries()) {
    if (!isMarked) continue;
    const last = spans.at(-1);
    if (last?.end === at) last.end += 1;
    else spans.push({ start: at, end: at + 1 });
  }
  return spans;
}

// Few letters make many overlaps.
const word = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength, maxLength });

test('finds what a plain search finds, and merges what touches', () => {
  fc.assert(
    fc.property(
      fc.array(word(SHORTEST, 7), { minLength: 1, maxLength: 6 }),
      fc.array(fc.tuple(fc.nat(), word(0, 3)), { maxLength: 12 }),
      (patterns, pieces) => {
        const text = pieces.map(([at, between]) => `${patterns[at % patterns.length]}${between}`).join('');
        const index = createPatternIndex(SHORTEST);
        index.insert(patterns);
        expect(index.spansIn(text)).toEqual(naive(patterns, text));
      },
    ),
    { numRuns: 1000 },
  );
});

test('takes a shorter pattern where the longer one is not accepted', () => {
  const index = createPatternIndex(SHORTEST, (_, start, end) => end - start < 6);
  index.insert(['secret', 'secr']);
  expect(index.spansIn('a secret')).toEqual([{ start: 2, end: 6 }]);
});

test('finds nothing without patterns', () => {
  expect(createPatternIndex(SHORTEST).spansIn('any text')).toEqual([]);
});
