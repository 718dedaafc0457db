import * as v from 'valibot';
import type { Journal } from '../../src/files/journal.ts';
import { RunRecordSchema } from './run-record.ts';

/** How the program handles an interrupted run when it starts. The table in files/journal.ts explains the states. */
export type Recovery =
  /** Nothing was replaced yet: staged files are removed, and the run starts again if it is still requested. */
  | 'clear'
  /** It had ended: its outcome is recorded. */
  | 'record'
  | 'go-on'
  | 'take-back'
  /** It was resumed too often: both generations stay, for a person. */
  | 'give-up'
  | 'wait-for-person';

/**
 * Limits for the starts that resume one generation: before it is rolled back, and before it is given up. Without them,
 * a cause that kills the agent each time (such as a unit whose restart stops it) would restart the node's services
 * forever.
 */
export const MOST_RESUMED = { forward: 5, back: 10 };

export function recoveryOf({ state, run }: Pick<Journal, 'state' | 'run'>): Recovery {
  switch (state) {
    case 'staging':
      return 'clear';
    case 'ended':
      return 'record';
    case 'stuck':
      return 'wait-for-person';
    case 'committing':
    case 'committed':
    case 'reverting':
    case 'reverted': {
      const { resumed, proven } = v.parse(RunRecordSchema, run);
      if (resumed >= MOST_RESUMED.back) return 'give-up';
      const isTooOften = resumed >= MOST_RESUMED.forward && !proven;
      return state === 'reverting' || state === 'reverted' || isTooOften ? 'take-back' : 'go-on';
    }
  }
}

/** Describes the handling of an interrupted run to a person. */
export function describeRecovery(recovery: Recovery, runId: string): string {
  switch (recovery) {
    case 'clear':
      return `the interrupted run of ${runId} has replaced no file: its staged files are removed, and it is repeated if it is still requested`;
    case 'record':
      return `the run of ${runId} has ended: its outcome is recorded`;
    case 'go-on':
      return `the interrupted run of ${runId} is completed first: its files are installed, and its units restarted and proven`;
    case 'take-back':
      return `the interrupted run of ${runId} is rolled back first: the old files are restored, and the units restarted and proven`;
    case 'give-up':
      return `the interrupted run of ${runId} was resumed too often: both generations are kept, and the node is stuck`;
    case 'wait-for-person':
      return `the node is stuck since the run of ${runId}: neither generation is complete; run "agent rollback", or rotate again`;
  }
}
