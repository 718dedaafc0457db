import type { Clock } from '../base/clock.ts';
import { AgentError, codeOf } from '../base/errors.ts';
import { pollUntil } from '../base/poll.ts';
import type { LeaseCalls } from './lease.ts';

const AGAIN_MS = 2000;

export type Leased<T> = { is: 'done'; value: T } | { is: 'elsewhere'; holder: string };

/** Whose lease it is, for how long it holds, and how long another holder is waited for. */
export type LeaseTerms = { holder: string; seconds: number; deadlineMs: number };

/**
 * Works while this node holds a lease. A node that is stopped keeps the lease: its next start continues at once, and other
 * nodes wait until it expires.
 *
 * @returns `elsewhere` if another node still holds the lease at the deadline
 * @throws what `work` throws
 */
export async function whileLeased<T>(
  lease: LeaseCalls,
  terms: LeaseTerms,
  clock: Clock,
  abort: AbortSignal,
  work: () => Promise<T>,
): Promise<Leased<T>> {
  const other = await claim(lease, terms, clock, abort);
  if (other !== undefined) return { is: 'elsewhere', holder: other };
  try {
    const value = await work();
    await release(lease, terms, clock, abort);
    return { is: 'done', value };
  } catch (error) {
    if (codeOf(error) !== 'aborted') await release(lease, terms, clock, abort).catch(() => undefined);
    throw error;
  }
}

/** @returns the other node that holds it */
async function claim(
  lease: LeaseCalls,
  { holder, seconds, deadlineMs }: LeaseTerms,
  clock: Clock,
  abort: AbortSignal,
): Promise<string | undefined> {
  const deadline = clock.elapsed() + deadlineMs;
  const late = { code: 'not-yet', what: 'the lease cannot be taken' } as const;
  return await pollUntil({ clock, everyMs: AGAIN_MS, deadline: Infinity, late }, abort, async () => {
    const held = await lease.read(abort);
    const isOthers = held && held.holder !== '' && held.holder !== holder && held.until > clock.now();
    if (isOthers && clock.elapsed() > deadline) return held.holder;
    if (isOthers) throw new AgentError('not-yet', `${held.holder} holds it`);
    const until = clock.now() + seconds * 1000;
    const mine = { version: held?.version, annotations: held?.annotations ?? {}, holder, until };
    if (await lease.write(mine, abort)) return undefined;
    throw new AgentError('not-yet', 'it is changed by others');
  });
}

/** If another node has taken the lease meanwhile, it keeps it. */
async function release(
  lease: LeaseCalls,
  { holder }: LeaseTerms,
  clock: Clock,
  abort: AbortSignal,
): Promise<void> {
  const held = await lease.read(abort);
  if (held?.holder === holder) await lease.write({ ...held, holder: '', until: clock.now() }, abort);
}
