import { setTimeout as delay } from 'node:timers/promises';
import { AgentError } from './errors.ts';

/** Time is an argument: whoever waits, or compares dates, is handed one of these. */
export type Clock = {
  /** Wall clock, milliseconds since the epoch. It may jump. */
  now(): number;
  /** Monotonic clock, milliseconds since some fixed point. It never jumps. */
  elapsed(): number;
  /** Resolves after `ms`; rejects with `aborted` as soon as the signal fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
};

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, { signal });
    } catch (cause) {
      throw new AgentError('aborted', 'stopped while waiting', { cause });
    }
  },
};

/** A signal that never fires, for work that a stop must not break off. */
export const NEVER = new AbortController().signal;

/**
 * A signal that fires when the given one does or after `ms`, whichever is first.
 * AbortSignal.timeout keeps no process alive and needs no clean-up.
 */
export const withDeadline = (signal: AbortSignal, ms: number): AbortSignal =>
  AbortSignal.any([signal, AbortSignal.timeout(ms)]);

/**
 * Runs `work` with a signal that fires when the given one does or after `ms`. Nothing of it is left when the work is
 * done: what is asked every few seconds must not pile up timers of a minute.
 */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  work: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    deadline.abort(new AgentError('not-yet', `not done within ${ms / 1000} s`));
  }, ms);
  try {
    return await work(AbortSignal.any([signal, deadline.signal]));
  } finally {
    clearTimeout(timer);
  }
}
