import type { Clock } from './clock.ts';
import type { Remark } from './remark.ts';
import { AgentError, codeOf, detailOf, isNotReady, reasonOf } from './errors.ts';

/** How long to retry, all in milliseconds. */
export type Patience = {
  /** Upper bound of the first wait. */
  baseMs: number;
  /** Upper bound of every wait. */
  capMs: number;
  /** No attempt starts later than this after the first one. */
  forMs: number;
};

/** An attempted action; `of` is the file, the unit or the address concerned. */
export type Attempted = Remark<
  | 'log-in'
  | 'read-ca'
  | 'sign'
  | 'take-turn'
  | 'see-masters'
  | 'signal'
  | 'see-api-server'
  | 'ask-kubernetes'
  | 'listen'
>;

/** A pending retry; times in milliseconds since the epoch. */
export type Waiting = {
  what: string;
  /** The code of `what`, and its subject. */
  whatCode?: string | undefined;
  of?: string | undefined;
  /** Why the last attempt failed, and its code and reason. */
  why: string;
  code?: string | undefined;
  reason?: string | undefined;
  /** Time of the first failure. */
  since: number;
  /** No attempt starts after this. */
  until: number;
};

/**
 * Describes an attempt that failed: the action, and the cause without it. The error names the action more precisely: an
 * attempt may consist of several requests.
 */
export const describeAttempt = (
  { text }: Pick<Attempted, 'text'>,
  error: unknown,
): { what: string; why: string } => ({
  what: (error instanceof AgentError ? error.task : undefined) ?? text,
  why: detailOf(error),
});

/** Receives each wait of one retry, and `undefined` when the retry has ended. */
export type OnWait = (id: symbol, waiting: Waiting | undefined) => Promise<void>;

export type Retry = <T>(
  what: Attempted,
  patience: Patience,
  abort: AbortSignal,
  attempt: () => Promise<T>,
) => Promise<T>;

/**
 * The only place of the program that retries: capped exponential back-off with full jitter, never earlier than the peer
 * asked (Retry-After). Only *not ready* errors are retried.
 */
export const createRetry =
  (hands: {
    clock: Clock;
    random: () => number;
    /** @param leftMs time left until the retry gives up */
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
          ...describeAttempt(what, error),
          whatCode: what.code,
          of: what.of,
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

/** Tries once: the caller retries by itself. */
export const once: Retry = async (_what, _patience, _abort, attempt) => await attempt();

/** @param waits receives each error, and how long attempts may still start, in milliseconds */
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
