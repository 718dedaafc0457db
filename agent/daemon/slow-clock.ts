import type { Clock } from '../../src/base/clock.ts';

/** Why a slow look is due. */
export type Due =
  /** The program has just started. */
  | 'start'
  /** The interval has passed. */
  | 'interval'
  /** Wall clock and monotonic clock have moved apart: the node was suspended, or its clock was set. */
  | 'clock-moved'
  /** The moment that the last look has asked for has come. */
  | 'moment';

/** Tells a loop that asks often when a slow look is due. It sets no timer. */
export type SlowClock = {
  /** Why a look is due now; undefined when none is. A look counts as taken once this has said so. */
  due(): Due | undefined;
  /**
   * Asks for a look before the interval has passed.
   *
   * @param moment milliseconds since the epoch; undefined: none but the regular one
   */
  wakeAt(moment: number | undefined): void;
};

/** More than time synchronization slews between two polls, less than the tolerance of certificates' dates. */
const MOVED_MS = 60_000;

/**
 * @param everyMs the mean interval; each one is within a quarter of it, so that the nodes of a cluster drift apart. The
 *   first after a start or a moved clock is shorter, evenly spread
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
      // What starts or wakes all nodes at once is no common beginning of their intervals.
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
