/**
 * Decides when a daemon polls next. All nodes of a cluster poll the same Heat, so they must not poll at the same
 * moments.
 */
export type PollSchedule = {
  /** Returns milliseconds until the next pass. @param askedMs the wait requested by the cloud (Retry-After) */
  next(pass: { changed: boolean; askedMs: number }): number;
};

/** Settings of the configuration. */
export type PollSettings = {
  min_seconds: number;
  max_seconds: number;
  splay_seconds?: number | undefined;
};

/**
 * Creates a schedule. After a change, the wait starts at `min_seconds` and doubles up to `max_seconds`. Each wait
 * varies by up to a quarter. A node that already knows an answer of the cloud starts with the long wait.
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

/** Share of the longest wait. The first polls are then at most 1.5 times as frequent as in regular operation. */
const FIRST_SHARE = 2 / 3;

/**
 * Returns the maximum wait before the first look, in milliseconds. By default, a node that knows an answer of the cloud
 * and has nothing to send waits: after a power cut or an upgrade all nodes start at once. A new node looks immediately.
 */
export const splayOf = (
  { max_seconds, splay_seconds }: PollSettings,
  { isKnown }: { isKnown: boolean },
): number => 1000 * (splay_seconds ?? (isKnown ? max_seconds * FIRST_SHARE : 0));
