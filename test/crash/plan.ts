import * as v from 'valibot';
import type { Errno } from './failing-fs.ts';

/** One run that the child is asked to do. */
export type Job = { verb: string; root: string; plan: Plan };

/** What is to happen during a run. */
export type Plan = {
  /** SIGKILL at this step, counted from 1. */
  killAt?: number | undefined;
  /** SIGKILL at the step that matches the last of these, after the others have been matched in turn. */
  killWhere?: readonly string[] | undefined;
  /** The kill is a power cut: what was not synced is lost, as much of it as this seed says. */
  powerCutSeed?: number | undefined;
  /** The calls that change the disk, counted from 1, fail: one of them, or all from there on below a folder. */
  fault?: { at: number; errno: Errno; lastingBelow?: string | undefined } | undefined;
};

/** What the child says of a run that came to its end. */
export const Report = v.object({
  code: v.number(),
  stdout: v.string(),
  stderr: v.string(),
  points: v.array(v.string()),
});
export type Report = v.InferOutput<typeof Report>;

/** Where a child that is about to be killed leaves the name of the point. */
export const lastPointFile = (pid: number | undefined, root: string): string => `${root}.${pid ?? 0}`;
