import { expect, test } from 'vitest';
import { LONGEST_PATTERN, patternsOf } from '../../../../src/base/secrets/forms.ts';

const NONE = { anywhere: [], asToken: [] };

test.each(['', 'ab', '  ab  ', '123', 'TRUE', 'off', 'null'])('searches for nothing of %j', (value) => {
  expect(patternsOf(value)).toEqual(NONE);
});

test('searches for three to five characters only as a token, in few forms', () => {
  // base64 and hexadecimal as coreutils and xxd print them.
  expect(patternsOf('a%z')).toEqual({
    anywhere: [],
    asToken: ['a%z', 'YSV6', 'YSV6Cg==', '61257a', '61257A'],
  });
  expect(patternsOf('a%bcde').asToken).toEqual([]);
});

test('searches for the lines of a value too, but not for the frame of a PEM block', () => {
  const { anywhere, asToken } = patternsOf('-----BEGIN X-----\nMIIEvQIBAD\nshrt\n-----END X-----\n');
  expect(anywhere).toContain('MIIEvQIBAD');
  expect(anywhere).not.toContain('-----BEGIN X-----');
  expect(asToken).toContain('shrt');
  expect(patternsOf(String.raw`first-line\nother-line`).anywhere).toContain('other-line');
});

test('splits a long form so that its last piece is not short', () => {
  const value = Array.from({ length: LONGEST_PATTERN + 10 }, (_, at) =>
    String.fromCharCode(97 + (at % 26)),
  ).join('');
  const { anywhere } = patternsOf(value);
  expect(Math.max(...anywhere.map(({ length }) => length))).toBe(LONGEST_PATTERN);
  expect(anywhere).toContain(value.slice(0, LONGEST_PATTERN));
  expect(anywhere).toContain(value.slice(-LONGEST_PATTERN));
  expect(anywhere).not.toContain(value.slice(LONGEST_PATTERN));
});

test('searches for a very long value only in the most common forms', () => {
  // `<` has a form of its own in HTML.
  const long = '<'.repeat(5000);
  const html = '&lt;'.repeat(LONGEST_PATTERN / 4);
  expect(patternsOf('<'.repeat(100)).anywhere).toContain('&lt;'.repeat(64));
  expect(patternsOf(long).anywhere).not.toContain(html);
});
