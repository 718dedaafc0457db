import { expect, test } from 'vitest';
import { cutMark, readCut } from '../../../src/base/cut.ts';

test('writes a mark, and reads it back', () => {
  expect(cutMark(4096)).toBe('[4096 bytes cut here]\n');
  expect(readCut(`${cutMark(4096)}end\n`)).toEqual({ cut: 4096, rest: 'end\n' });
});

test.each(['the end', 'before [5 bytes cut here]\n', '[x bytes cut here]\n', '[5 bytes cut here]'])(
  'takes %j for uncut text',
  (text) => {
    expect(readCut(text)).toEqual({ cut: 0, rest: text });
  },
);
