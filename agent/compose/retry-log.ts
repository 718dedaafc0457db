import type { Clock } from '../../src/base/clock.ts';
import { codeOf } from '../../src/base/errors.ts';
import { type Attempted, describeAttempt } from '../../src/base/retry.ts';
import type { Log } from '../events.ts';

/** Minimum interval between log lines for retries with the same cause, however many loops retry. */
const BETWEEN_MS = 60_000;

/** Logs the first retry of a cause immediately, then at most once a minute with the count. */
export function createRetryLog(
  log: Log,
  clock: Pick<Clock, 'elapsed'>,
): (what: Pick<Attempted, 'text'>, error: unknown, waitMs: number) => void {
  const causes = new Map<string, { logged: number; since: number }>();
  return (what, error, waitMs) => {
    const code = codeOf(error) ?? 'internal';
    const cause = causes.get(code) ?? { logged: -Infinity, since: 0 };
    causes.set(code, cause);
    cause.since += 1;
    if (clock.elapsed() - cause.logged < BETWEEN_MS) return;
    log('retrying', { ...describeAttempt(what, error), wait_ms: Math.round(waitMs), retries: cause.since });
    cause.logged = clock.elapsed();
    cause.since = 0;
  };
}
