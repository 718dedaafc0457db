import { expect, test } from 'vitest';
import { selectFlag } from '../../../src/operation/flag.ts';

test.each([
  [true, true],
  ['True', true],
  ['yes', true],
  [false, false],
  ['FALSE', false],
  ['no', false],
])('reads %j as %s', (value, flag) => {
  expect(selectFlag(value, 'otherwise')).toBe(flag);
});

test.each([undefined, null, ''])('treats %j as missing', (value) => {
  expect(selectFlag(value, 'otherwise')).toBe('otherwise');
});

test.each(['perhaps', ' ', 1, 0, [], {}])('does not guess the meaning of %j', (value) => {
  expect(selectFlag(value, 'otherwise')).toBeUndefined();
});
