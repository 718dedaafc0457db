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

/** Why a run goes back, as the journal keeps an error. */
const Cause = v.object({
  /** A later version may know more of them. */
  code: v.fallback(v.custom<ErrorCode>(isErrorCode), 'unit'),
  reason: v.optional(v.string()),
  message: v.string(),
  excerpt: v.array(v.string()),
});
export type Cause = v.InferOutput<typeof Cause>;

/** @param redact the message quotes what a unit has printed, which may be a secret */
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
  /** Every unit that reads the files, restarted or not, as it was before the first of them was replaced. */
  found: v.optional(v.array(FoundUnit), []),
  /** Lists of revoked certificates that units have to be seen to go by. */
  lists: v.optional(v.array(ListPlan), []),
  workloads: v.optional(WorkloadsPlan),
  /** Of other credentials: how the objects of the API get them. */
  objects: v.optional(ObjectsPlan),
  /** The units were proven, and pods are given the new CA: there is no way back any more. */
  proven: v.optional(v.boolean(), false),
  outcome: OutcomeSchema,
  /** Of a rollback. */
  cause: v.optional(Cause),
  /** When its files were staged, in milliseconds since the epoch; earlier versions did not keep it. */
  begun: v.optional(v.number()),
  /** Whether its deployment asks for a rotation. */
  asks: v.optional(v.literal('rotation')),
  /** The files of which a copy is kept when it has succeeded; none of a run that changes no certificates. */
  keep: v.optional(
    v.object({
      paths: v.array(v.string()),
      /** The former CA is retired: neither this generation nor an earlier one with that CA is kept. */
      retires: v.boolean(),
    }),
  ),
  /** How many starts of the agent have gone on with it. */
  resumed: v.optional(v.number(), 0),
  /** The kind of files in the generation. */
  about: v.optional(v.picklist(['certificates', 'credentials']), 'certificates'),
});
export type RunRecord = v.InferInput<typeof RunRecordSchema>;

/** The steps that a run has left, by its record. */
export const tailOf = ({
  units,
  lists,
  workloads,
  objects,
  proven,
}: v.InferOutput<typeof RunRecordSchema>): Tail =>
  proven ? { from: 'workloads', workloads, objects } : { from: 'replace', units, lists, workloads, objects };
