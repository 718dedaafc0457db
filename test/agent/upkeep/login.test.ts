import { expect, test } from 'vitest';
import { loginAllowedAt, routineLoginAt } from '../../../agent/upkeep/login.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = 1000 * DAY;
const login = { since: NOW, refusals: 0, roles: [] };

test.each([
  ['after its share of a day on a new node', undefined, NOW + DAY / 4],
  ['after its share of the day since the first look', { ...login, since: NOW - HOUR }, NOW - HOUR + DAY / 4],
  ['a day after the last attempt', { ...login, since: 0, triedAt: NOW - HOUR }, NOW + 23 * HOUR],
  ['a day after an attempt that has just ended', { ...login, triedAt: NOW }, NOW + DAY],
  ['now, if the last attempt is in the future', { ...login, triedAt: NOW + 1 }, NOW],
  ['now, if the first look is far in the future', { ...login, since: NOW + 99 * DAY }, NOW],
])('schedules the routine login %s', (_, record, at) => {
  expect(routineLoginAt(record, NOW, 0.25)).toBe(at);
});

test.each([
  ['at once on a node that has not tried it', undefined, NOW],
  ['at once after an accepted attempt', { ...login, triedAt: NOW }, NOW],
  ['6 hours after a refusal', { ...login, triedAt: NOW - HOUR, refusals: 1 }, NOW + 5 * HOUR],
  ['12 hours after the second', { ...login, triedAt: NOW, refusals: 2 }, NOW + 12 * HOUR],
  ['a day after the third', { ...login, triedAt: NOW, refusals: 3 }, NOW + DAY],
  ['a day after many', { ...login, triedAt: NOW, refusals: 2000 }, NOW + DAY],
  ['at once, if the refusal is in the future', { ...login, triedAt: NOW + 1, refusals: 3 }, NOW],
])('allows a renewal to use the login %s', (_, record, at) => {
  expect(loginAllowedAt(record, NOW)).toBe(at);
});
