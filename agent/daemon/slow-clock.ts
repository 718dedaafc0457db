import type { Clock } from '../../src/base/clock.ts';

/** Why a slow look is due. */
export type Due =
  /** The program has just started. */
  | 'start'
  /** The interval has passed. */
  | 'interval'
  /** Wall clock and monotonic clock have diverged: the node was suspended, or its clock was set. */
  | 'clock-moved'
  /** The moment that the last look requested has come. */
  | 'moment';

/** Determines, for a loop that asks often, when a slow look is due. Sets no timer. */
export type SlowClock = {
  /** Returns why a look is due now, or undefined. Returning a reason counts as taking that look. */
  due(): Due | undefined;
  /**
   * Requests a look before the interval has passed.
   *
   * @param moment milliseconds since the epoch; undefined: only the regular look
   */
  wakeAt(moment: number | undefined): void;
};

/**
 * More than time synchronization can shift the clock between two polls, less than the tolerance of certificates' dates.
 */
const MOVED_MS = 60_000;

/**
 * Creates a slow clock.
 *
 * @param everyMs the mean interval. Each interval deviates by up to a quarter, so that the nodes of a cluster drift
 * apart. The first interval after a start or a moved clock is shorter, with a uniform distribution
 * @param random in [0, 1)
 */
export function createSlowClock(
  clock: Pick<Clock, 'now' | 'elapsed'>,
  everyMs: number,
  random: () => number,
): SlowClock {
  const apart = (): number => clock.now() - clock.elapsed();
  let regular = -Infinity;
  let offset = apart();
  let moment: number | undefined;
  const reason = (): Due | undefined => {
    const before = offset;
    offset = apart();
    if (regular === -Infinity) return 'start';
    if (Math.abs(offset - before) > MOVED_MS) return 'clock-moved';
    if (clock.elapsed() >= regular) return 'interval';
    return moment !== undefined && clock.now() >= moment ? 'moment' : undefined;
  };
  return {
    due: () => {
      const why = reason();
      if (why === undefined) return undefined;
      // An event that starts or wakes all nodes at once must not align their intervals.
      const isCommon = why === 'start' || why === 'clock-moved';
      regular = clock.elapsed() + everyMs * (isCommon ? random() : 0.75 + random() / 2);
      moment = undefined;
      return why;
    },
    wakeAt: (at) => {
      moment = at;
    },
  };
}
