import * as v from 'valibot';
import type { Errno } from './failing-fs.ts';

/** One run that the child is asked to do. */
export type Job = { verb: string; root: string; plan: Plan };

/** The planned events of a run. */
export type Plan = {
  /** SIGKILL at this step, counted from 1. */
  killAt?: number | undefined;
  /** SIGTERM at this step, counted from 1: the process continues until it has stopped by itself. */
  stopAt?: number | undefined;
  /** SIGKILL at the step that matches the last of these, after the others have matched in turn. */
  killWhere?: readonly string[] | undefined;
  /** The kill is a power failure: unsynced changes are lost, as many as this seed decides. */
  powerCutSeed?: number | undefined;
  /** Calls that change the disk, counted from 1, fail: one of them, or all from there on below a folder. */
  fault?: { at: number; errno: Errno; lastingBelow?: string | undefined } | undefined;
};

/** The child's report of a completed run. */
export const Report = v.object({
  code: v.number(),
  stdout: v.string(),
  stderr: v.string(),
  points: v.array(v.string()),
});
export type Report = v.InferOutput<typeof Report>;

/** The file in which a child that is about to be killed leaves the name of the point. */
export const lastPointFile = (pid: number | undefined, root: string): string => `${root}.${pid ?? 0}`;
