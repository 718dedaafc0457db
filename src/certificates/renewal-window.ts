import type { X509Certificate } from 'node:crypto';

const DAY_MS = 86_400_000;

/** A certificate is renewed when less than this, or less than a third of its validity, is left. */
const LONGEST_WINDOW_MS = 30 * DAY_MS;

/** A smaller gain does not justify restarting every service. */
const LEAST_GAIN_MS = 3_600_000;

export type Dates = Pick<X509Certificate, 'validFromDate' | 'validToDate'>;

/**
 * Returns when to renew a certificate, in milliseconds since the epoch.
 *
 * @param share position in the first half of the window, in [0, 1). The nodes of a cluster use different values; the
 * second half is reserved for retries
 */
export function renewalMoment({ validFromDate, validToDate }: Dates, share: number): number {
  const end = validToDate.getTime();
  const window = Math.min(LONGEST_WINDOW_MS, (end - validFromDate.getTime()) / 3);
  return end - window + (share * window) / 2;
}

/**
 * Returns how long peers accept a certificate, in milliseconds since the epoch: they reject it when its CA has expired.
 */
export const usableUntil = (leaf: Dates, authority: Dates): number =>
  Math.min(leaf.validToDate.getTime(), authority.validToDate.getTime());

/** Whether the gain in validity justifies a renewal. */
export const isLonger = (until: number, before: number): boolean => until - before >= LEAST_GAIN_MS;
