import type { X509Certificate } from 'node:crypto';

const DAY_MS = 86_400_000;

/** A certificate is renewed when less than this is left, or less than a third of its life. */
const LONGEST_WINDOW_MS = 30 * DAY_MS;

/** A gain of less is not worth a restart of every service. */
const LEAST_GAIN_MS = 3_600_000;

export type Dates = Pick<X509Certificate, 'validFromDate' | 'validToDate'>;

/**
 * When a certificate is to be renewed, in milliseconds since the epoch.
 *
 * @param share of the first half of the window, in [0, 1): the nodes of a cluster take different ones, and the second half
 *   is for those whose renewal fails
 */
export function renewalMoment({ validFromDate, validToDate }: Dates, share: number): number {
  const end = validToDate.getTime();
  const window = Math.min(LONGEST_WINDOW_MS, (end - validFromDate.getTime()) / 3);
  return end - window + (share * window) / 2;
}

/** How long peers accept a certificate: they reject it when its CA has expired. Milliseconds since the epoch. */
export const usableUntil = (leaf: Dates, authority: Dates): number =>
  Math.min(leaf.validToDate.getTime(), authority.validToDate.getTime());

/** Whether a certificate that can be used until then is worth a renewal. */
export const isLonger = (until: number, before: number): boolean => until - before >= LEAST_GAIN_MS;
