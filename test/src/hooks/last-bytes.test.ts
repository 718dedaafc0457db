import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCut } from '../../../src/base/cut.ts';
import { createLastBytes } from '../../../src/hooks/last-bytes.ts';

function lastOf(chunks: readonly Uint8Array[], most: number): string {
  const last = createLastBytes(most);
  for (const chunk of chunks) last.push(chunk);
  return last.text();
}

test('keeps the end of any chunks, and counts the rest', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme-ascii', maxLength: 40 })),
      fc.integer({ min: 1, max: 50 }),
      (texts, most) => {
        const all = texts.join('');
        const cut = Math.max(0, all.length - most);
        const chunks = texts.map((text) => Buffer.from(text));
        expect(readCut(lastOf(chunks, most))).toEqual({ cut, rest: all.slice(cut) });
      },
    ),
  );
});

test('starts at a character boundary', () => {
  for (const most of [4, 5, 6])
    expect(readCut(lastOf([Buffer.from('aé€😀')], most))).toEqual({ cut: 10 - most, rest: '😀' });
});

test('replaces invalid UTF-8', () => {
  expect(lastOf([Buffer.from([0x61, 0xff, 0x62])], 10)).toBe('a\ufffdb');
});
