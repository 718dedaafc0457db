import { expect, test } from 'vitest';
import { warnsOfEnd } from '../../../agent/phases/hold.ts';

const END = 1_000_000_000;
const TEN_MINUTES = 600_000;

test('warns in the last ten minutes of a hold, once for each end', () => {
  expect(warnsOfEnd(END, {}, END - TEN_MINUTES - 1)).toBe(false);
  expect(warnsOfEnd(END, {}, END - TEN_MINUTES)).toBe(true);
  expect(warnsOfEnd(END, { holdWarned: END }, END - 1)).toBe(false);
  expect(warnsOfEnd(END, { holdWarned: END - 1 }, END - 1)).toBe(true);
});

test('warns of no hold that is not there', () => {
  expect(warnsOfEnd(undefined, {}, END)).toBe(false);
});
