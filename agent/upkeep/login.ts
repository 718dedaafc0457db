import type { UpkeepRecord } from './record.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

type Login = UpkeepRecord['login'];

/**
 * When the node's own login is tried next as a matter of routine: once a day at the most, the first time after the node's
 * share of a day. Milliseconds since the epoch.
 */
export function routineLoginAt(login: Login, now: number, share: number): number {
  if (!login) return now + share * DAY_MS;
  const { since, triedAt } = login;
  const from = triedAt === undefined ? since + share * DAY_MS : triedAt + DAY_MS;
  // A moment that a wrong clock has written would put the next try off for years.
  return from - now > DAY_MS ? now : from;
}

/**
 * When the login may be tried for a renewal. Keystone may lock a user who is refused too often, and the cluster's cloud
 * provider and its storage driver log in as the same one.
 */
export function loginAllowedAt(login: Login, now: number): number {
  if (!login?.triedAt || login.refusals === 0 || login.triedAt > now) return now;
  return login.triedAt + Math.min(6 * HOUR_MS * 2 ** (login.refusals - 1), DAY_MS);
}
