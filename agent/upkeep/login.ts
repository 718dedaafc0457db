import type { UpkeepRecord } from './record.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

type Login = UpkeepRecord['login'];

/**
 * Returns when to test the node's own login routinely, in milliseconds since the epoch: once a day, and first after the
 * node's share of a day.
 */
export function routineLoginAt(login: Login, now: number, share: number): number {
  if (!login) return now + share * DAY_MS;
  const { since, triedAt } = login;
  const from = triedAt === undefined ? since + share * DAY_MS : triedAt + DAY_MS;
  // A time written with a wrong clock would postpone the next attempt for years.
  return from - now > DAY_MS ? now : from;
}

/**
 * Returns when the login may be used for a renewal. After repeated rejections Keystone may lock the user, with which
 * the cluster's cloud provider and storage driver log in too.
 */
export function loginAllowedAt(login: Login, now: number): number {
  if (!login?.triedAt || login.refusals === 0 || login.triedAt > now) return now;
  return login.triedAt + Math.min(6 * HOUR_MS * 2 ** (login.refusals - 1), DAY_MS);
}
