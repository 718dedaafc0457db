import { expect, test } from 'vitest';
import { createPollSchedule, splayOf } from '../../../agent/polling/schedule.ts';

const POLL = { min_seconds: 1, max_seconds: 30 };
const SAME = { changed: false, askedMs: 0 };

const waits = (isKnown: boolean, passes: { changed: boolean; askedMs: number }[], random = 0.5): number[] => {
  const schedule = createPollSchedule(POLL, () => random, { isKnown });
  return passes.map((one) => schedule.next(one) / 1000);
};

test('doubles the wait from the minimum to the maximum after a change', () => {
  const passes = [{ changed: true, askedMs: 0 }, SAME, SAME, SAME, SAME, SAME, SAME];
  expect(waits(true, passes)).toEqual([1, 2, 4, 8, 16, 30, 30]);
});

test('starts a known node at the maximum wait, and a new one near the minimum', () => {
  expect(waits(true, [SAME, SAME])).toEqual([30, 30]);
  expect(waits(false, [SAME, SAME])).toEqual([2, 4]);
});

test('keeps each wait within a quarter of its mean', () => {
  expect(waits(true, [SAME], 0)).toEqual([22.5]);
  expect(waits(true, [SAME], 0.999_999)[0]).toBeCloseTo(37.5, 3);
});

test('waits at least as long as the cloud has asked for', () => {
  expect(waits(true, [{ changed: true, askedMs: 60_000 }])).toEqual([60]);
});

test('waits up to two thirds of the maximum before the first poll of a known node, and not at all on a new one', () => {
  expect(splayOf(POLL, { isKnown: true })).toBe(20_000);
  expect(splayOf(POLL, { isKnown: false })).toBe(0);
});

test.each([true, false])('uses the configured first wait (known: %s)', (isKnown) => {
  expect(splayOf({ ...POLL, splay_seconds: 7 }, { isKnown })).toBe(7000);
  expect(splayOf({ ...POLL, splay_seconds: 0 }, { isKnown })).toBe(0);
});
