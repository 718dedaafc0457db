import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLastBytes } from '../../../src/hooks/last-bytes.ts';

function lastOf(chunks: readonly Uint8Array[], most: number): string {
  const last = createLastBytes(most);
  for (const chunk of chunks) last.push(chunk);
  return last.text();
}

test('whatever the chunks are, the end is kept and the rest is counted', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme-ascii', maxLength: 40 })),
      fc.integer({ min: 1, max: 50 }),
      (texts, most) => {
        const all = texts.join('');
        const expected =
          all.length <= most ? all : `[${all.length - most} bytes cut here]\n${all.slice(all.length - most)}`;
        const chunks = texts.map((text) => Buffer.from(text));
        expect(lastOf(chunks, most)).toBe(expected);
      },
    ),
  );
});

test('it does not begin in the middle of a character', () => {
  for (const most of [4, 5, 6])
    expect(lastOf([Buffer.from('aé€😀')], most)).toBe(`[${10 - most} bytes cut here]\n😀`);
});

test('bytes that are no text are marked as such', () => {
  expect(lastOf([Buffer.from([0x61, 0xff, 0x62])], 10)).toBe('a\ufffdb');
});
