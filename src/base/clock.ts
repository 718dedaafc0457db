import { setTimeout as delay } from 'node:timers/promises';
import { AgentError } from './errors.ts';

/** Time is an argument: code that waits or compares dates receives a clock. */
export type Clock = {
  /** Wall clock, milliseconds since the epoch. It may jump. */
  now(): number;
  /** Monotonic clock, milliseconds since some fixed point. It never jumps. */
  elapsed(): number;
  /** Resolves after `ms`; rejects with `aborted` as soon as `abort` fires. */
  sleep(ms: number, abort: AbortSignal): Promise<void>;
};

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep: async (ms, abort) => {
    try {
      await delay(ms, undefined, { signal: abort });
    } catch (cause) {
      throw new AgentError('aborted', 'stopped while waiting', { cause });
    }
  },
};

/** Calls `work` every `ms` until the returned function is called. It does not keep the process alive. */
export function every(ms: number, work: () => void): () => void {
  const timer = setInterval(work, ms);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

/** An abort signal that never fires, for work that a stop must not interrupt. */
export const NEVER = new AbortController().signal;

/**
 * Returns a signal that fires when `abort` fires or after `ms`, whichever is first. AbortSignal.timeout does not keep
 * the process alive and needs no clean-up.
 */
export const withDeadline = (abort: AbortSignal, ms: number): AbortSignal =>
  AbortSignal.any([abort, AbortSignal.timeout(ms)]);

/**
 * Runs `work` with a signal that fires when `abort` fires or after `ms`. The timer is cleared when `work` ends: a
 * request made every few seconds must not accumulate timers of a minute.
 */
export async function within<T>(
  ms: number,
  abort: AbortSignal,
  work: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    deadline.abort(new AgentError('not-yet', `not done within ${ms / 1000} s`));
  }, ms);
  try {
    return await work(AbortSignal.any([abort, deadline.signal]));
  } finally {
    clearTimeout(timer);
  }
}
