import * as v from 'valibot';
import { Environment } from './environment.ts';

/** A script or a hook, ready to be run; paths are the node's own. */
export const RunRequest = v.object({
  /** The deployment. */
  id: v.string(),
  /** `the script`, or `the hook` and its path. */
  what: v.string(),
  /** The text of a script, which becomes the program; or the program. */
  run: v.union([
    v.object({
      script: v.string(),
      /** A command that is given the script's path as its last argument; else the script is run itself. */
      through: v.optional(v.array(v.string())),
    }),
    v.object({ program: v.string(), stdin: v.string() }),
  ]),
  environment: Environment,
  timeoutMs: v.number(),
  /** Between the request to end and the end. */
  graceMs: v.number(),
  /** The values of the deployment that must not be shown. */
  secrets: v.array(v.string()),
  /** The outputs that the deployment declares. */
  outputs: v.array(v.string()),
  /** Its success is not the end of the deployment. */
  continues: v.optional(v.literal(true)),
});
export type RunRequest = v.InferOutput<typeof RunRequest>;

/** Timers know no longer wait (24 days). */
export const LONGEST_MS = 2 ** 31 - 1;
