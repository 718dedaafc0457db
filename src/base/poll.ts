import type { Clock } from './clock.ts';
import { AgentError, type ErrorCode, explain, isNotReady } from './errors.ts';

export type Poll = {
  clock: Clock;
  /** Milliseconds between an answer and the next probe. */
  everyMs: number;
  /** The clock's `elapsed` after which no further probe starts. */
  deadline: number;
  /** The error thrown at the deadline; the last probe's error is appended to its message. */
  late: { code: ErrorCode; reason?: string; what: string };
};

/**
 * The only place that waits for a condition: probes until `probe` returns.
 *
 * @param probe throws a *not ready* error for "probe again"; any other error ends the wait
 * @throws `late` at the deadline, with the last probe's error as cause; `aborted` if `abort` fires
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
    // Rejects immediately if `abort` has fired.
    await clock.sleep(everyMs, abort);
  }
}
