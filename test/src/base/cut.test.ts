import { expect, test } from 'vitest';
import { cutMark, readCut } from '../../../src/base/cut.ts';

test('reads back the mark that it writes', () => {
  expect(readCut(`${cutMark(4096)}the end\n`)).toEqual({ cut: 4096, rest: 'the end\n' });
});

test.each(['the end', 'before [5 bytes cut here]\n', '[x bytes cut here]\n', '[5 bytes cut here]'])(
  'takes %j for a text that has lost nothing',
  (text) => {
    expect(readCut(text)).toEqual({ cut: 0, rest: text });
  },
);
