import * as v from 'valibot';

/** One run that the child is asked to do. */
export type Job = { root: string; plan: Plan };

/** What is to happen during a run. */
export type Plan = {
  /** SIGKILL at this step, counted from 1. */
  killAt?: number | undefined;
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
