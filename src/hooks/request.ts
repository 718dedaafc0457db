import * as v from 'valibot';
import { Environment } from './environment.ts';

/** A script or hook that is ready to run; paths are the node's own. */
export const RunRequest = v.object({
  /** The deployment's id. */
  id: v.string(),
  /** `the script`, or `the hook` and its path. */
  what: v.string(),
  /** The text of a script, or the path of a program. */
  run: v.union([
    v.object({
      script: v.string(),
      /** A command to which the script's path is appended; undefined: run the script directly. */
      through: v.optional(v.array(v.string())),
    }),
    v.object({ program: v.string(), stdin: v.string() }),
  ]),
  environment: Environment,
  timeoutMs: v.number(),
  /** Time between SIGTERM and SIGKILL. */
  graceMs: v.number(),
  /** The deployment's secret values. */
  secrets: v.array(v.string()),
  /** The outputs that the deployment declares. */
  outputs: v.array(v.string()),
  /** Its success does not complete the deployment. */
  continues: v.optional(v.literal(true)),
});
export type RunRequest = v.InferOutput<typeof RunRequest>;

/** The maximum of a timer (24 days). */
export const LONGEST_MS = 2 ** 31 - 1;
