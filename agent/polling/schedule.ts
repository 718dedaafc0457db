/** When a daemon looks next. All nodes of a cluster poll one Heat, so no moment may be common to them. */
export type PollSchedule = {
  /** Milliseconds until the next pass. @param askedMs what the cloud has asked to wait (Retry-After) */
  next(pass: { changed: boolean; askedMs: number }): number;
};

/** As in the configuration. */
export type PollSettings = {
  min_seconds: number;
  max_seconds: number;
  splay_seconds?: number | undefined;
};

/**
 * After a change the wait grows from `min_seconds`, doubled each time, to `max_seconds`; each wait is a quarter shorter
 * to a quarter longer than that. A node that has heard the cloud before begins at the long wait.
 *
 * @param random in [0, 1)
 */
export function createPollSchedule(
  { min_seconds: fastest, max_seconds: slowest }: PollSettings,
  random: () => number,
  { isKnown }: { isKnown: boolean },
): PollSchedule {
  let wait = isKnown ? slowest : fastest;
  return {
    next: ({ changed, askedMs }) => {
      wait = changed ? fastest : Math.min(wait * 2, slowest);
      return Math.max(wait * 1000 * (0.75 + random() / 2), askedMs);
    },
  };
}

/** Of the longest wait: the first polls then are at most half again as dense as those of nodes that poll in turn. */
const FIRST_SHARE = 2 / 3;

/**
 * The longest wait before the first look, in milliseconds. A node that has heard the cloud before, and has nothing to
 * answer, waits unless the configuration says otherwise: after a power cut or an upgrade all nodes start at once. A new
 * node looks immediately.
 */
export const splayOf = (
  { max_seconds, splay_seconds }: PollSettings,
  { isKnown }: { isKnown: boolean },
): number => 1000 * (splay_seconds ?? (isKnown ? max_seconds * FIRST_SHARE : 0));
