import type { Clock } from '../../src/base/clock.ts';

/** How far this node's clock is ahead of the cloud's, by the last Date header. */
export type Skew = {
  /** @param date of an answer (RFC 9110, 6.6.1), which has whole seconds */
  hear(date: string): void;
  /**
   * Milliseconds; undefined before the first answer, and after the node was suspended or its clock was set: then the next
   * answer tells.
   */
  ms(): number | undefined;
};

/** More than time synchronization slews between two answers. */
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
