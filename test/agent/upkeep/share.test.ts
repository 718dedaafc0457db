import { expect, test } from 'vitest';
import { shareOf } from '../../../agent/upkeep/share.ts';
import { renewalMoment } from '../../../src/certificates/renewal-window.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** As Magnum's templates name them. */
const SERVERS = [0, 1, 2, 3, 4, 5, 6]
  .map((number) => `k1-abcdefghijkl-master-${number}`)
  .concat(Array.from({ length: 193 }, (_, number) => `k1-abcdefghijkl-node-${number}`));

test('spreads the renewals of 200 nodes with certificates of the same age over minutes', () => {
  const made = Date.UTC(2026, 0, 1);
  const dates = { validFromDate: new Date(made), validToDate: new Date(made + 5 * 365 * DAY) };
  const moments = SERVERS.map((name) => renewalMoment(dates, shareOf('uuid', name))).toSorted(
    (a, b) => a - b,
  );
  const gaps = moments.slice(1).map((moment, index) => moment - (moments[index] ?? 0));
  expect(moments).toHaveLength(200);
  expect(Math.min(...gaps)).toBeGreaterThan(10 * MINUTE);
});

test('keeps the share of a node constant for its name', () => {
  const share = shareOf('uuid', 'k1-abc-node-3');
  expect(shareOf('uuid', 'k1-abc-node-3')).toBe(share);
  for (const other of ['k1-abc-node-4', 'k1-abc-master-3', 'k1-def-node-3'])
    expect(Math.abs(shareOf('uuid', other) - share)).toBeGreaterThan(0.001);
  expect(shareOf('other', 'k1-abc-node-3')).not.toBe(share);
});

test.each(['', 'a-host', 'node-99999999', 'ein-Rechner-ohne-Nummer'])(
  'keeps the share of %j within [0, 1)',
  (name) => {
    const share = shareOf('uuid', name);
    expect(share).toBeGreaterThanOrEqual(0);
    expect(share).toBeLessThan(1);
  },
);
