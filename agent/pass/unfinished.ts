import { AgentError } from '../../src/base/errors.ts';
import type { Outcome } from '../../src/deployment/deployment.ts';
import type { Hands } from '../hands.ts';
import { isFollowUpDue, nextFollowUp } from '../rotation/follow-ups.ts';
import { graceEnd, isGraceOver } from '../rotation/service-account.ts';
import { isSure, type StateStamp, stampState } from '../state-stamp.ts';

export type Settled = {
  id: string;
  outcome: Outcome;
  /** The duration. undefined: an interrupted run started it. */
  durationMs?: number;
};

/** The records of unfinished work, as the last pass of this process found them. */
export type Records = {
  stamp: StateStamp;
  /** The records hold no work before this moment, in milliseconds since the epoch; undefined: unknown. */
  quietUntil: number | undefined;
};

/**
 * Finishes earlier work that is due: an interrupted run, scripts that have ended, old service-account keys, and tasks in
 * the cluster. The records say what is due; they are read again only after a change in their directories.
 *
 * @returns also the errors that prevented a part of the work
 * @throws `aborted` when the program must stop, `disk` or `state` when the ledger cannot be written
 */
export async function finishUnfinished(
  hands: Hands,
  memory: { records: Records | undefined },
  abort: AbortSignal,
): Promise<{ recovered: Settled[]; unable: AgentError[] }> {
  const { clock } = hands;
  const stamp = await stampState(hands, memory.records?.stamp);
  if (!memory.records || memory.records.stamp !== stamp) memory.records = { stamp, quietUntil: undefined };
  const { records } = memory;
  if (records.quietUntil !== undefined && clock.now() < records.quietUntil)
    return { recovered: [], unable: [] };
  records.quietUntil = undefined;
  const holds = isSure(stamp, hands);

  const recovered = [...(await recoverIfInterrupted(hands, abort)), ...(await bringHomeIfAny(hands))];
  const unable = await endGraceIfOver(hands, abort);
  await followUpIfDue(hands, abort);
  if (holds && recovered.length === 0) records.quietUntil = await quietUntil(hands);
  return { recovered, unable };
}

/** Returns when the records will hold work that is due; undefined if they hold some now. */
async function quietUntil(hands: Hands): Promise<number | undefined> {
  if (await hands.generations.underWay()) return undefined;
  if ((await hands.runs.runs.list()).length > 0) return undefined;
  return Math.min((await graceEnd(hands)) ?? Infinity, (await nextFollowUp(hands)) ?? Infinity);
}

/** Recovers if necessary. Checks first, so that modules for a recovery are loaded only when needed. */
async function recoverIfInterrupted(hands: Hands, abort: AbortSignal): Promise<Settled[]> {
  if (!(await hands.generations.underWay())) return [];
  const { recover } = await import('./recover.ts');
  const recovered = await recover(hands, abort);
  return recovered ? [recovered] : [];
}

async function bringHomeIfAny(hands: Hands): Promise<Settled[]> {
  if ((await hands.runs.runs.list()).length === 0) return [];
  const { collectFinishedRuns } = await import('./collect-finished-runs.ts');
  return await collectFinishedRuns(hands);
}

/** Removes old service-account keys when their grace is over. @returns the error that prevented it */
async function endGraceIfOver(hands: Hands, abort: AbortSignal): Promise<AgentError[]> {
  if (!(await isGraceOver(hands))) return [];
  const { endGrace } = await import('./end-grace.ts');
  try {
    await endGrace(hands, abort);
    return [];
  } catch (error) {
    if (!(error instanceof AgentError) || error.code === 'aborted' || error.code === 'state') throw error;
    return [error];
  }
}

/** Runs due follow-ups of a rotation in the cluster. Other work does not wait for them. */
async function followUpIfDue(hands: Hands, abort: AbortSignal): Promise<void> {
  if (!(await isFollowUpDue(hands))) return;
  const { followUp } = await import('./follow-up.ts');
  await followUp(hands, abort);
}
