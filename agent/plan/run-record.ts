import * as v from 'valibot';
import {
  AgentError,
  codeOf,
  type ErrorCode,
  excerptOf,
  isErrorCode,
  reasonOf,
  sentenceOf,
} from '../../src/base/errors.ts';
import { OutcomeSchema } from '../../src/deployment/deployment.ts';
import { ListPlan } from '../../src/services/list.ts';
import { UnitPlan } from '../../src/services/unit.ts';
import { FoundUnit } from '../../src/services/unit-process.ts';
import { ObjectsPlan, WorkloadsPlan } from '../../src/services/workloads.ts';
import type { Tail } from './plan.ts';

/** The cause of a rollback, as the journal stores an error. */
const Cause = v.object({
  /** A later version may have written a code that is unknown here. */
  code: v.fallback(v.custom<ErrorCode>(isErrorCode), 'unit'),
  reason: v.optional(v.string()),
  message: v.string(),
  excerpt: v.array(v.string()),
});
export type Cause = v.InferOutput<typeof Cause>;

/** Converts an error for the journal. @param redact the message quotes output of units, which may contain secrets */
export const keepCause = (error: unknown, redact: (text: string) => string): Cause => ({
  code: codeOf(error) ?? 'unit',
  reason: reasonOf(error),
  message: redact(sentenceOf(error)),
  excerpt: excerptOf(error).map(redact),
});

export const causeIn = ({ code, reason, message, excerpt }: Cause): AgentError =>
  new AgentError(code, message, { reason, excerpt });

/**
 * The journal's record of a run: enough to finish it without its deployment. `outcome` is the report if everything is
 * proven; during a rollback it says the cause, and after the end it is the final outcome.
 */
export const RunRecordSchema = v.object({
  /** Units to restart once the files are in place. */
  units: v.array(UnitPlan),
  /** Every unit that reads the files, restarted or not, in its state before the first file was replaced. */
  found: v.optional(v.array(FoundUnit), []),
  /** Lists of revoked certificates that units must be proven to use. */
  lists: v.optional(v.array(ListPlan), []),
  workloads: v.optional(WorkloadsPlan),
  /** For new credentials: how to change the objects of the API. */
  objects: v.optional(ObjectsPlan),
  /** The units were proven and pods receive the new CA, so a rollback is excluded. */
  proven: v.optional(v.boolean(), false),
  outcome: OutcomeSchema,
  /** The cause of a rollback. */
  cause: v.optional(Cause),
  /** When its files were staged, in milliseconds since the epoch. Earlier versions did not store it. */
  begun: v.optional(v.number()),
  /** Whether its deployment requests a rotation. */
  asks: v.optional(v.literal('rotation')),
  /** The files to keep copies of after a success; undefined for a run that changes no certificates. */
  keep: v.optional(
    v.object({
      paths: v.array(v.string()),
      /** The former CA is retired: neither this generation nor earlier ones with that CA are kept. */
      retires: v.boolean(),
    }),
  ),
  /** How many starts of the agent have resumed it. */
  resumed: v.optional(v.number(), 0),
  /** The kind of files in the generation. */
  about: v.optional(v.picklist(['certificates', 'credentials']), 'certificates'),
});
export type RunRecord = v.InferInput<typeof RunRecordSchema>;

/** Returns the remaining steps of a run, from its record. */
export const tailOf = ({
  units,
  lists,
  workloads,
  objects,
  proven,
}: v.InferOutput<typeof RunRecordSchema>): Tail =>
  proven ? { from: 'workloads', workloads, objects } : { from: 'replace', units, lists, workloads, objects };
