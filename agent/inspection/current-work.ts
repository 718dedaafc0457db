import type { Holder } from '../../src/base/lock.ts';
import type { Waiting } from '../../src/base/retry.ts';
import type { Hands } from '../hands.ts';
import { readWaiting } from '../waiting.ts';
import { findInterrupted } from './interrupted.ts';
import { isDaemon } from './under-way.ts';

/** The work of another process that holds the lock. */
export type CurrentWork = {
  /** `agent VERB (pid N)`. */
  holder: string;
  /** When the holder started, in milliseconds since the epoch. */
  since: number;
  /** The deployments that it carries out. `since` is when this attempt started. */
  deployments: { id: string; since: number }[];
  /** The run whose files are staged or replaced: a deployment's id or a verb. */
  runId: string | null;
  waiting: Waiting | undefined;
};

/**
 * Returns the current work of the holder of the lock. Returns undefined if the lock is free, or the daemon waits for its
 * next poll.
 */
export async function findCurrentWork(
  hands: Pick<Hands, 'generations' | 'ledger' | 'disk' | 'runs'>,
  holder: Holder | undefined,
): Promise<CurrentWork | undefined> {
  if (!holder) return undefined;
  const { name, since } = holder;
  const deployments: CurrentWork['deployments'] = [];
  for (const { id, state, at } of hands.ledger.entries()) {
    if (state !== 'started') continue;
    const started = Date.parse(at['started'] ?? '');
    // An attempt of a former process was interrupted. Its script continues without it.
    if (started >= since || (await hands.runs.runs.look(id)).is === 'running')
      deployments.push({ id, since: started });
  }
  const run = await findInterrupted(hands, holder);
  const runId = run?.isUnderWay === true ? run.runId : null;
  const waiting = await readWaiting(hands.disk, since);
  const isIdle = isDaemon(holder) && deployments.length === 0 && runId === null && !waiting;
  return isIdle ? undefined : { holder: name, since, deployments, runId, waiting };
}
