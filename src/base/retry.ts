import type { Clock } from './clock.ts';
import { AgentError, isNotReady } from './errors.ts';

/** How long to keep trying, all in milliseconds. */
export type Patience = {
  /** Upper bound of the first wait. */
  baseMs: number;
  /** Upper bound of every wait. */
  capMs: number;
  /** No new attempt starts later than this after the first one. */
  forMs: number;
};

export type Retry = <T>(
  what: string,
  patience: Patience,
  abort: AbortSignal,
  attempt: () => Promise<T>,
) => Promise<T>;

/**
 * The one place of the program that tries again: capped exponential waits with full jitter, and never sooner
 * than the other side asked (Retry-After). Only a *not ready* error is worth another attempt.
 */
export const createRetry =
  (hands: {
    clock: Clock;
    random: () => number;
    /** @param leftMs how long until it is given up */
    onRetry: (what: string, error: unknown, waitMs: number, leftMs: number) => void;
  }): Retry =>
  async (what, patience, abort, attempt) => {
    const start = hands.clock.elapsed();
    for (let waited = 0; ; waited += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (!isNotReady(error)) throw error;
        if (abort.aborted) throw new AgentError('aborted', `${what}: stopped`, { cause: error });
        const ceiling = Math.min(patience.capMs, patience.baseMs * 2 ** Math.min(waited, 30));
        const asked = error instanceof AgentError ? (error.retryAfterMs ?? 0) : 0;
        const wait = Math.max(hands.random() * ceiling, asked);
        const leftMs = patience.forMs - (hands.clock.elapsed() - start);
        if (wait > leftMs) throw error;
        hands.onRetry(what, error, wait, leftMs);
        await hands.clock.sleep(wait, abort);
      }
    }
  };
