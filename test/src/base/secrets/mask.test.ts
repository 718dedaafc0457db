import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { apart, masked } from '../../../../src/base/secrets/mask.ts';

const span = (start: number, end: number) => ({ start, end });

test('sorts spans, and merges those that touch, overlap or contain each other', () => {
  const spans = [span(8, 9), span(0, 6), span(1, 2), span(6, 7)];
  expect(apart(spans)).toEqual([span(0, 7), span(8, 9)]);
  expect(spans[1]).toEqual(span(0, 6));
});

test('replaces each span by the mask, and nothing else', () => {
  expect(masked('a secret b secret', [span(2, 8), span(11, 17)])).toBe('a *** b ***');
  expect(masked('text', [])).toBe('text');
});

test('shows exactly the characters outside of all spans', () => {
  const spans = fc.array(fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 9 })));
  fc.assert(
    fc.property(spans, (pairs) => {
      const letters = Array.from({ length: 32 }, (_, at) => String.fromCharCode(64 + at));
      const text = letters.join('');
      const all = pairs.map(([start, length]) => span(start, start + length));
      const shown = letters.filter((_, at) => !all.some(({ start, end }) => at >= start && at < end));
      expect(masked(text, apart(all)).replaceAll('*', '')).toBe(shown.join(''));
    }),
  );
});
