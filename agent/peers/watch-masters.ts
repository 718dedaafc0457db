import { AgentError, isNotReady } from '../../src/base/errors.ts';
import type { Patience } from '../../src/base/retry.ts';
import type { Hands } from '../hands.ts';

/** Interval of looks at the other masters before a restart, and the limit for all waits of one turn. */
const EVERY_MS = 5000;
const LONGEST_MS = 600_000;

/**
 * Waits until the masters that were well at the start of a turn are well again. Waits 10 minutes in one turn at most: a
 * master that does not return must not stop the rotation.
 */
export type WatchMasters = (abort: AbortSignal) => Promise<void>;

/** @param lost names the masters that were well at the start of the turn, and are not now */
export function watchMasters(
  lost: (abort: AbortSignal) => Promise<readonly string[]>,
  { clock, retry, log }: Pick<Hands, 'clock' | 'retry' | 'log'>,
): WatchMasters {
  let leftMs = LONGEST_MS;
  return async (abort) => {
    const from = clock.elapsed();
    const patience: Patience = { baseMs: EVERY_MS, capMs: EVERY_MS, forMs: leftMs };
    let missing: readonly string[] = [];
    try {
      await retry(WAITING, patience, abort, async () => {
        missing = await lost(abort);
        if (missing.length > 0) throw new AgentError('not-yet', `not well: ${missing.join(', ')}`);
      });
    } catch (error) {
      if (!isNotReady(error)) throw error;
      if (leftMs > 0) log('masters-unwell', { peers: missing });
      leftMs = 0;
    }
    leftMs = Math.max(0, leftMs - (clock.elapsed() - from));
  };
}

const WAITING = { code: 'see-masters', text: 'see that the other masters are well' } as const;
