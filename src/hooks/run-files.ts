import { join } from 'node:path';
import * as v from 'valibot';
import { ProcessIdentity } from './process.ts';

/** The files in a run's directory. `directory` may be the node's path or this machine's. */
export const filesOf = (directory: string) => ({
  /** The command to run: an Order. */
  order: join(directory, 'order'),
  /**
   * Tells that a supervisor has begun the run, or that the agent has withdrawn it. Created once, by whichever is first.
   */
  claim: join(directory, 'claim'),
  /** Identity of the running process. */
  child: join(directory, 'child'),
  /** The result. */
  result: join(directory, 'result'),
  stdin: join(directory, 'stdin'),
  stdout: join(directory, 'stdout'),
  stderr: join(directory, 'stderr'),
  /** The working directory; contains the program of a script. */
  work: join(directory, 'work'),
  /** A script writes its output X to this path with the suffix `.X`. */
  outputs: join(directory, 'outputs', 'heat'),
});

/** Input of the supervisor; paths are this machine's. */
export const Order = v.object({
  program: v.string(),
  args: v.optional(v.array(v.string())),
  work: v.string(),
  stdin: v.optional(v.string()),
  environment: v.array(v.tuple([v.string(), v.string()])),
  timeoutMs: v.number(),
  graceMs: v.number(),
  /** The systemd unit of the run, if any. */
  unit: v.optional(v.string()),
  /** How to interpret the result. */
  reads: v.picklist(['files', 'json']),
  what: v.string(),
  /**
   * Secret values, kept so that they are redacted after a restart of the agent. Earlier versions did not write them.
   */
  secrets: v.optional(v.array(v.string()), []),
  outputs: v.array(v.string()),
  /** Id of the boot, as the agent sees it. Earlier versions did not write it. */
  boot: v.optional(v.string()),
  /** See RunRequest. */
  continues: v.optional(v.literal(true)),
});
export type Order = v.InferOutput<typeof Order>;

export const Claim = v.variant('by', [
  v.object({ by: v.literal('supervisor'), supervisor: ProcessIdentity }),
  /** The agent has withdrawn an order that was not begun. */
  v.object({ by: v.literal('agent') }),
]);
export type Claim = v.InferOutput<typeof Claim>;

export const Result = v.object({
  /** As in the predecessor: the exit code, or the negative number of the signal that ended it. */
  statusCode: v.number(),
  stdout: v.string(),
  stderr: v.string(),
  /** Why there is no regular result: a stable reason, and a sentence. */
  reason: v.optional(v.string()),
  fault: v.optional(v.string()),
});
export type Result = v.InferOutput<typeof Result>;
