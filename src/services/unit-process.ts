import * as v from 'valibot';
import { isUp } from './active.ts';
import type { UnitState } from './systemctl.ts';
import { UnitPlan } from './unit.ts';

/**
 * Identifies the process of a unit by systemd's ids. Ids are compared instead of times, so neither a clock change nor a
 * reboot makes a later process look earlier.
 */
export const UnitProcess = v.object({
  active: v.string(),
  invocation: v.string(),
  mainPid: v.string(),
  startedAt: v.string(),
});
export type UnitProcess = v.InferOutput<typeof UnitProcess>;

/** A unit that reads the files of a generation, in its state before the first file was replaced. */
export const FoundUnit = v.object({
  plan: UnitPlan,
  /** undefined if its process is unknown. */
  process: v.optional(UnitProcess),
});
export type FoundUnit = v.InferOutput<typeof FoundUnit>;

export const processOf = ({ active, invocation, mainPid, startedAt }: UnitState): UnitProcess => ({
  active,
  invocation,
  mainPid,
  startedAt,
});

/** Whether a unit has the same process in both states. */
export const isSameProcess = (one: Named, other: Named): boolean =>
  one.invocation === other.invocation && one.mainPid === other.mainPid && one.startedAt === other.startedAt;

type Named = Pick<UnitProcess, 'invocation' | 'mainPid' | 'startedAt'>;

/**
 * Whether a unit has certainly read no file since it was found: it still runs the same process, or none. A unit that
 * was starting at that time may have read its files since.
 */
export function hasReadNothing({ plan, process }: FoundUnit, state: UnitState): boolean {
  if (!process) return false;
  const now = processOf(state);
  const isSame = isSameProcess(process, now);
  if (isUp(process)) return isUp(now) && isSame && process.invocation !== '';
  if (process.active !== 'inactive' && process.active !== 'failed') return false;
  // A unit that was stopped may have been started and stopped again meanwhile.
  return now.active === process.active && (isSame || (now.active === 'inactive' && !plan.required));
}
