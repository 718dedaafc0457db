import type { Clock } from '../../src/base/clock.ts';

/** Measures how far this node's clock is ahead of the cloud's, by the last Date header. */
export type Skew = {
  /** @param date of an answer (RFC 9110, 6.6.1), in whole seconds */
  hear(date: string): void;
  /**
   * Returns the skew in milliseconds. Undefined before the first answer. Also undefined after the node was suspended or
   * its clock was set, until the next answer.
   */
  ms(): number | undefined;
};

/** More than time synchronization can shift the clock between two answers. */
const MOVED_MS = 60_000;

export function createSkew(clock: Pick<Clock, 'now' | 'elapsed'>): Skew {
  const apart = (): number => clock.now() - clock.elapsed();
  let heard: { ms: number; apart: number } | undefined;
  return {
    hear: (date) => {
      heard = { ms: clock.now() - Date.parse(date), apart: apart() };
    },
    ms: () => (heard && Math.abs(apart() - heard.apart) <= MOVED_MS ? heard.ms : undefined),
  };
}
