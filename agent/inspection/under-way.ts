import type { Holder } from '../../src/base/lock.ts';
import type { Entry } from '../../src/deployment/ledger.ts';
import type { Config } from '../config.ts';

/** Work in progress on this node, as another process sees it. */
export type Activity = {
  holder: Holder | undefined;
  entries: readonly Pick<Entry, 'state' | 'at' | 'outcome'>[];
  now: number;
  /** The maximum duration of a rotation, in milliseconds. */
  deadlineMs: number;
};

/**
 * Returns the maximum duration: a rotation asks the cloud, restarts every unit and, after a failure, restarts it once
 * more.
 */
export const rotationDeadlineMs = ({ cloud, services }: Config, units: number): number =>
  (cloud.patience_seconds + 2 * units * services.deadline_seconds) * 1000;

/** Whether a process is working on a deployment or a verb within its deadline. */
export function isUnderWay({ holder, entries, now, deadlineMs }: Activity): boolean {
  if (!holder) return false;
  if (!isDaemon(holder)) return now - holder.since < deadlineMs;
  return entries.some(({ state, at }) => {
    const isOpen = state === 'accepted' || state === 'started';
    return isOpen && now - Date.parse(at[state] ?? '') < deadlineMs;
  });
}

/** Whether the daemon is about to start a rotation that was created at `createdAt`. */
export const isAwaited = ({ holder, now, deadlineMs }: Activity, createdAt: number): boolean =>
  holder !== undefined && isDaemon(holder) && now - createdAt < deadlineMs;

/** Heat's default time-out of a stack. By then, a rotation has reached every node or has failed. */
export const STACK_MS = 3_600_000;
/** Tolerance for different clocks of two machines. */
const SKEW_MS = 300_000;

/**
 * Whether the rotation that created a CA may still reach this node. Heat asks masters before workers, so a worker hears
 * of the rotation after Magnum serves the CA.
 *
 * @param madeAt when the CA was created, in milliseconds since the epoch
 */
export const isComing = ({ holder, entries, now }: Activity, madeAt: number): boolean =>
  holder !== undefined &&
  isDaemon(holder) &&
  now - madeAt > -SKEW_MS &&
  now - madeAt < STACK_MS &&
  !entries.some(({ outcome, at }) => outcome?.is === 'failed' && Date.parse(at['finished'] ?? '') > madeAt);

/** Whether the holder is the daemon. `agent run-once` and the other verbs hold the lock for one task. */
export const isDaemon = ({ verb }: Pick<Holder, 'verb'>): boolean => verb === 'run';
