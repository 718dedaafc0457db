import type { Holder } from '../../src/base/lock.ts';
import type { Entry } from '../../src/deployment/ledger.ts';
import type { Config } from '../config.ts';

/** Work in progress on this node, as seen from outside of it. */
export type Activity = {
  holder: Holder | undefined;
  entries: readonly Pick<Entry, 'state' | 'at' | 'outcome'>[];
  now: number;
  /** The longest that a rotation takes, in milliseconds. */
  deadlineMs: number;
};

/** A rotation asks the cloud, restarts every unit and, where that fails, restarts it once more. */
export const rotationDeadlineMs = ({ cloud, services }: Config, units: number): number =>
  (cloud.patience_seconds + 2 * units * services.deadline_seconds) * 1000;

/** Whether a process works on a deployment, or carries out a verb, and its deadline has not passed. */
export function isUnderWay({ holder, entries, now, deadlineMs }: Activity): boolean {
  if (!holder) return false;
  if (!isDaemon(holder)) return now - holder.since < deadlineMs;
  return entries.some(({ state, at }) => {
    const isOpen = state === 'accepted' || state === 'started';
    return isOpen && now - Date.parse(at[state] ?? '') < deadlineMs;
  });
}

/** Whether the daemon is about to begin with a rotation that was made at a moment. */
export const isAwaited = ({ holder, now, deadlineMs }: Activity, createdAt: number): boolean =>
  holder !== undefined && isDaemon(holder) && now - createdAt < deadlineMs;

/** As Heat gives up a stack by default: by then a rotation has reached every node, or failed. */
export const STACK_MS = 3_600_000;
/** Clocks of two machines differ. */
const SKEW_MS = 300_000;

/**
 * Whether the rotation that made a CA may still reach this node. Heat asks masters before workers, so a worker hears of it
 * later than Magnum serves the CA.
 *
 * @param madeAt when the CA was made, in milliseconds since the epoch
 */
export const isComing = ({ holder, entries, now }: Activity, madeAt: number): boolean =>
  holder !== undefined &&
  isDaemon(holder) &&
  now - madeAt > -SKEW_MS &&
  now - madeAt < STACK_MS &&
  !entries.some(({ outcome, at }) => outcome?.is === 'failed' && Date.parse(at['finished'] ?? '') > madeAt);

/** `agent run-once` and the other verbs hold the lock for one piece of work. */
export const isDaemon = ({ verb }: Pick<Holder, 'verb'>): boolean => verb === 'run';
