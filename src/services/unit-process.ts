import * as v from 'valibot';
import { isUp } from './active.ts';
import type { UnitState } from './systemctl.ts';
import { UnitPlan } from './unit.ts';

/**
 * Which process a unit has, as systemd names it. Names are compared, not times: neither a clock that jumps nor a reboot
 * makes a later process look like an earlier one.
 */
export const UnitProcess = v.object({
  active: v.string(),
  invocation: v.string(),
  mainPid: v.string(),
  startedAt: v.string(),
});
export type UnitProcess = v.InferOutput<typeof UnitProcess>;

/** A unit that reads the files of a generation, as it was before the first of them was replaced. */
export const FoundUnit = v.object({
  plan: UnitPlan,
  /** undefined: nobody knows which process it had. */
  process: v.optional(UnitProcess),
});
export type FoundUnit = v.InferOutput<typeof FoundUnit>;

export const processOf = ({ active, invocation, mainPid, startedAt }: UnitState): UnitProcess => ({
  active,
  invocation,
  mainPid,
  startedAt,
});

/** Whether a unit has the same process at two times. */
export const isSameProcess = (one: Named, other: Named): boolean =>
  one.invocation === other.invocation && one.mainPid === other.mainPid && one.startedAt === other.startedAt;

type Named = Pick<UnitProcess, 'invocation' | 'mainPid' | 'startedAt'>;

/**
 * Whether a unit is seen to have read nothing since it was found: it runs the same process, or none. One that was just
 * starting then may have read its files at any time since.
 */
export function hasReadNothing({ plan, process }: FoundUnit, state: UnitState): boolean {
  if (!process) return false;
  const now = processOf(state);
  const isSame = isSameProcess(process, now);
  if (isUp(process)) return isUp(now) && isSame && process.invocation !== '';
  if (process.active !== 'inactive' && process.active !== 'failed') return false;
  // What somebody has stopped may have been started meanwhile, and been stopped again.
  return now.active === process.active && (isSame || (now.active === 'inactive' && !plan.required));
}
