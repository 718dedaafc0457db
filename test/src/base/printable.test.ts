import { expect, test } from 'vitest';
import { printable } from '../../../src/base/printable.ts';

test.each([
  ['clears the screen', '\u001b[2Jx', ' [2Jx'],
  ['writes the title of the window', '\u001b]0;x\u0007', ' ]0;x '],
  ['overwrites the line', 'good\rbad', 'good bad'],
  ['starts a sequence in one byte (C1)', '\u009b2J', ' 2J'],
])('neutralizes %s', (_, text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('keeps lines, columns, colours and other alphabets', () => {
  const text = '\u001b[32m✓\u001b[39m a\tb\n\u00e9\u4e16\n';
  expect(printable(text)).toBe(text);
});
