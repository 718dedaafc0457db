import { codeOf, explain } from '../../src/base/errors.ts';
import type { Hands } from '../hands.ts';
import { describeRecovery, type Recovery, recoveryOf } from '../plan/recovery.ts';

/** A run that is under way or was interrupted, and what the next pass does with it. */
export type Interrupted = {
  /** A deployment's id or a verb; null: the journal is damaged. */
  runId: string | null;
  recovery: Recovery | 'rebuild';
  text: string;
};

/** With a damaged journal the rest is still shown. */
export async function findInterrupted({
  generations,
}: Pick<Hands, 'generations'>): Promise<Interrupted | undefined> {
  try {
    const journal = await generations.current();
    if (!journal) return undefined;
    const { runId } = journal;
    const recovery = recoveryOf(journal);
    return { runId, recovery, text: describeRecovery(recovery, runId) };
  } catch (error) {
    if (codeOf(error) !== 'state') throw error;
    const text = `an interrupted run is finished or taken back first: ${explain(error)}, it is rebuilt from the certificates`;
    return { runId: null, recovery: 'rebuild', text };
  }
}

/** Nothing goes on by itself: a person has to act. */
export const isStuck = (run: Interrupted | undefined): boolean => run?.recovery === 'wait-for-person';
