import { expect, test } from 'vitest';
import { isLonger, renewalMoment, usableUntil } from '../../../src/certificates/renewal-window.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const BEGIN = Date.parse('2026-01-01T00:00:00Z');
const lasting = (days: number, begin = BEGIN) => ({
  validFromDate: new Date(begin),
  validToDate: new Date(begin + days * DAY),
});

test.each([
  ['of five years', 1825, 30],
  ['of ninety days', 90, 30],
  ['of nine days', 9, 3],
])('renews a certificate %s (%i days) when %i days are left', (_, days, left) => {
  expect(renewalMoment(lasting(days), 0)).toBe(BEGIN + (days - left) * DAY);
});

test('spreads the nodes over the first half of the window', () => {
  const end = BEGIN + 1825 * DAY;
  expect(renewalMoment(lasting(1825), 0.5)).toBe(end - 22.5 * DAY);
  expect(renewalMoment(lasting(1825), 0.999)).toBeLessThan(end - 15 * DAY);
});

test('a certificate is usable as long as its CA', () => {
  const [leaf, ca] = [lasting(100), lasting(40)];
  expect(usableUntil(leaf, ca)).toBe(ca.validToDate.getTime());
  expect(usableUntil(ca, leaf)).toBe(ca.validToDate.getTime());
});

test.each([
  [HOUR, true],
  [HOUR - 1, false],
  [0, false],
  [-DAY, false],
])('a gain of %i ms justifies the restarts: %s', (gain, is) => {
  expect(isLonger(BEGIN + gain, BEGIN)).toBe(is);
});
