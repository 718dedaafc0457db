import { join } from 'node:path';
import * as v from 'valibot';
import { ProcessIdentity } from './process.ts';

/** What is in the directory of a run. `directory` may be the node's path or this machine's. */
export const filesOf = (directory: string) => ({
  /** What is to be run: an Order. */
  order: join(directory, 'order'),
  /** Who has begun to run it, or that nobody may any more: made once, by whoever comes first. */
  claim: join(directory, 'claim'),
  /** The process that it is. */
  child: join(directory, 'child'),
  /** How it ended. */
  result: join(directory, 'result'),
  stdin: join(directory, 'stdin'),
  stdout: join(directory, 'stdout'),
  stderr: join(directory, 'stderr'),
  /** The working directory, and in it, for a script, the program. */
  work: join(directory, 'work'),
  /** A script leaves its output X in the file of this name with `.X` behind it. */
  outputs: join(directory, 'outputs', 'heat'),
});

/** What the supervisor goes by; paths are this machine's. */
export const Order = v.object({
  program: v.string(),
  args: v.optional(v.array(v.string())),
  work: v.string(),
  stdin: v.optional(v.string()),
  environment: v.array(v.tuple([v.string(), v.string()])),
  timeoutMs: v.number(),
  graceMs: v.number(),
  /** The systemd unit that it runs in, where there is one. */
  unit: v.optional(v.string()),
  /** How the result is to be understood. */
  reads: v.picklist(['files', 'json']),
  what: v.string(),
  /** What must not be shown, also after a restart of the agent; earlier versions did not write it. */
  secrets: v.optional(v.array(v.string()), []),
  outputs: v.array(v.string()),
  /** See RunRequest. */
  continues: v.optional(v.literal(true)),
});
export type Order = v.InferOutput<typeof Order>;

export const Claim = v.variant('by', [
  v.object({ by: v.literal('supervisor'), supervisor: ProcessIdentity }),
  /** The agent takes back what nobody has begun. */
  v.object({ by: v.literal('agent') }),
]);
export type Claim = v.InferOutput<typeof Claim>;

export const Result = v.object({
  /** As the predecessor has it: the exit code, or the number of the signal that ended it, negative. */
  statusCode: v.number(),
  stdout: v.string(),
  stderr: v.string(),
  /** Why there is no better result, in a word that stays and in a sentence. */
  reason: v.optional(v.string()),
  fault: v.optional(v.string()),
});
export type Result = v.InferOutput<typeof Result>;
