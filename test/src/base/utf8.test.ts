import { expect, test } from 'vitest';
import { utf8Text } from '../../../src/base/utf8.ts';

test('keeps every character, also a byte order mark', () => {
  const text = '\uFEFFé😀\u0000';
  expect(utf8Text(Buffer.from(text))).toBe(text);
});

test.each([
  ['Latin-1', [0x70, 0xe9]],
  ['a character cut in the middle', [0xe2, 0x82]],
  ['an overlong form (RFC 3629, 10)', [0xc0, 0xaf]],
  ['a surrogate', [0xed, 0xa0, 0x80]],
])('rejects %s', (_, bytes) => {
  expect(utf8Text(Uint8Array.from(bytes))).toBeUndefined();
});
