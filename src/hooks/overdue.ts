import type { Disk } from '../base/disk.ts';
import { readRecordOf } from '../base/record.ts';
import { type Presence, type ProcessIdentity, sendKill } from './process.ts';
import { Result } from './run-files.ts';
import type { Runs, RunState } from './runs.ts';

/** A supervisor needs a second or two beyond its deadline, more on a busy node. */
const MARGIN_MS = 60_000;

export type OverdueHands = {
  disk: Disk;
  runs: Runs;
  presenceOf(one: ProcessIdentity): Promise<Presence>;
  /** Returns how long ago a process was started, in milliseconds. */
  ageOf(one: ProcessIdentity): Promise<number>;
  /** Kills all processes of a unit. */
  killUnit(unit: string): Promise<void>;
};

/**
 * Returns the state of a run. Its supervisor enforces the deadline; a supervisor that does not, because it is stopped
 * or hangs, is killed with everything it runs, so that nothing waits forever.
 */
export async function lookAfter(id: string, hands: OverdueHands): Promise<RunState> {
  const state = await hands.runs.look(id);
  if (state.is !== 'running') return state;
  const { order, supervisor } = state;
  const { timeoutMs, graceMs, unit } = order;
  if ((await hands.ageOf(supervisor)) <= timeoutMs + graceMs + MARGIN_MS) return state;
  if ((await hands.presenceOf(supervisor)) === 'alive') sendKill(supervisor.pid);
  if (unit !== undefined) await hands.killUnit(unit);
  const result = await readRecordOf(hands.disk, hands.runs.filesOf(id).result, Result);
  if (result) return { is: 'ended', order, result };
  const why = `its supervisor did not end it within ${timeoutMs / 1000} s, and was killed`;
  return { is: 'lost', order, reason: 'run-overdue', why };
}
