import type { Clock } from './clock.ts';
import { AgentError, type ErrorCode, explain, isNotReady } from './errors.ts';

export type Poll = {
  clock: Clock;
  /** Milliseconds from an answer to the next look. */
  everyMs: number;
  /** The clock's `elapsed` after which no further look is taken. */
  deadline: number;
  /** The error of a wait that ends at its deadline; its message goes on with what the last look missed. */
  late: { code: ErrorCode; reason?: string; what: string };
};

/**
 * The one place that waits for a condition: looks until `probe` returns.
 *
 * @param probe throws a *not ready* error for "look again"; any other error ends the wait
 * @throws `late` at the deadline, with the last look's error as cause; `aborted` when `abort` fires
 */
export async function pollUntil<T>(
  { clock, everyMs, deadline, late }: Poll,
  abort: AbortSignal,
  probe: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (!isNotReady(error)) throw error;
      if (clock.elapsed() > deadline && !abort.aborted)
        throw new AgentError(late.code, `${late.what}: ${explain(error)}`, {
          cause: error,
          reason: late.reason,
        });
    }
    // Rejects at once when `abort` has fired.
    await clock.sleep(everyMs, abort);
  }
}
