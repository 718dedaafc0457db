import { expect, test } from 'vitest';
import { nearestTo } from '../../../src/base/nearest.ts';

const KNOWN = ['poll', 'keys', 'rotation', 'collectors'];

test.each([
  ['pol', 'poll'],
  ['key', 'keys'],
  ['colectors', 'collectors'],
  ['rotaiton', 'rotation'],
  ['rotation', 'rotation'],
])('suggests for %s the name %s', (name, meant) => {
  expect(nearestTo(name, KNOWN)).toBe(meant);
});

test.each(['', 'heat_params', 'zz', 'ab'])('suggests nothing for %j, which resembles no name', (name) => {
  expect(nearestTo(name, KNOWN)).toBeUndefined();
});
