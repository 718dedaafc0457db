import type { Clock } from './clock.ts';
import type { Remark } from './remark.ts';
import { AgentError, codeOf, isNotReady, reasonOf, sentenceOf } from './errors.ts';

/** How long to keep trying, all in milliseconds. */
export type Patience = {
  /** Upper bound of the first wait. */
  baseMs: number;
  /** Upper bound of every wait. */
  capMs: number;
  /** No new attempt starts later than this after the first one. */
  forMs: number;
};

/** What is tried; `of` is the file, the unit or the address that it is about. */
export type Attempted = Remark<
  'log-in' | 'read-ca' | 'sign' | 'take-turn' | 'signal' | 'see-api-server' | 'ask-kubernetes' | 'listen'
>;

/** What is tried again; moments in milliseconds since the epoch. */
export type Waiting = {
  what: string;
  /** The code of `what`, and what it is about. */
  whatCode?: string | undefined;
  of?: string | undefined;
  /** Why the last attempt failed, and its code and reason. */
  why: string;
  code?: string | undefined;
  reason?: string | undefined;
  /** The first failure. */
  since: number;
  /** No attempt starts later. */
  until: number;
};

/** Told each wait of one retry, and `undefined` once it is over. */
export type OnWait = (id: symbol, waiting: Waiting | undefined) => Promise<void>;

export type Retry = <T>(
  what: Attempted,
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
    onRetry: (what: Attempted, error: unknown, waitMs: number, leftMs: number) => void;
    onWait?: OnWait;
  }): Retry =>
  async (what, patience, abort, attempt) => {
    const { clock, onWait } = hands;
    const id = Symbol(what.code);
    let since: number | undefined;
    try {
      return await tryAgain(hands, what, patience, abort, attempt, async (error, leftMs) => {
        since ??= clock.now();
        await onWait?.(id, {
          what: what.text,
          whatCode: what.code,
          of: what.of,
          why: sentenceOf(error),
          code: codeOf(error),
          reason: reasonOf(error),
          since,
          until: clock.now() + leftMs,
        });
      });
    } finally {
      if (since !== undefined) await onWait?.(id, undefined);
    }
  };

/** Tries once: whoever calls comes back by itself. */
export const once: Retry = async (_what, _patience, _abort, attempt) => await attempt();

/** @param waits told each wait, and how long attempts may still start, in milliseconds */
async function tryAgain<T>(
  hands: Parameters<typeof createRetry>[0],
  what: Attempted,
  patience: Patience,
  abort: AbortSignal,
  attempt: () => Promise<T>,
  waits: (error: unknown, leftMs: number) => Promise<void>,
): Promise<T> {
  const start = hands.clock.elapsed();
  for (let waited = 0; ; waited += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isNotReady(error)) throw error;
      if (abort.aborted) throw new AgentError('aborted', `${what.text}: stopped`, { cause: error });
      const ceiling = Math.min(patience.capMs, patience.baseMs * 2 ** Math.min(waited, 30));
      const asked = error instanceof AgentError ? (error.retryAfterMs ?? 0) : 0;
      const wait = Math.max(hands.random() * ceiling, asked);
      const leftMs = patience.forMs - (hands.clock.elapsed() - start);
      if (wait > leftMs) throw error;
      hands.onRetry(what, error, wait, leftMs);
      await waits(error, leftMs);
      await hands.clock.sleep(wait, abort);
    }
  }
}
