import * as v from 'valibot';

/**
 * Parts that several verbs share. Codes are strings here, not enumerations, so that a new code is a compatible
 * addition. `message`, `text`, `what` and `why` explain the codes beside them to a person; their wording may change.
 */

/** ISO 8601, in UTC. */
export const Time = v.pipe(v.string(), v.isoTimestamp());

export const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const Problem = v.object({ code: v.string(), reason: v.optional(v.string()), message: v.string() });

/** A step or an observation. `of` is the unit, path or name it refers to. */
export const Remark = v.object({ code: v.string(), of: v.optional(v.string()), text: v.string() });

export const DetailedStep = v.object({
  ...Remark.entries,
  /** The text of `particulars`, one line each. */
  details: v.array(v.string()),
  particulars: v.array(
    v.object({
      ...Remark.entries,
      /** For `certificate`: `names` are its SANs. For `environment`: the variables. */
      names: v.optional(v.array(v.string())),
      ca: v.optional(v.string()),
      subject: v.optional(v.string()),
      /** For `workloads`: the namespaces to wait for, and how many workloads are restarted per second. */
      namespaces: v.optional(v.array(v.string())),
      perSecond: v.optional(v.number()),
    }),
  ),
});

/** Work that is being retried. `until` is when the retries end. */
export const Waiting = v.object({
  what: v.string(),
  /** The code of `what`, and the file, unit or address it refers to. */
  whatCode: v.optional(v.string()),
  of: v.optional(v.string()),
  why: v.string(),
  /** The code of `why`. */
  code: v.optional(v.string()),
  reason: v.optional(v.string()),
  since: Time,
  until: Time,
});

/** An interrupted run, or one in progress. `runId` is null when its journal is damaged. */
export const Interrupted = v.nullable(
  v.object({
    runId: v.nullable(v.string()),
    recovery: v.string(),
    /** The process that holds the lock started this run and is working on it. */
    isUnderWay: v.boolean(),
    text: v.string(),
  }),
);

/** The node's position in a CA rotation. `phase` is null when no rotation is under way. */
export const Rotation = v.object({
  phase: v.nullable(v.picklist(['trust', 'reissue'])),
  /** When the node was first seen without the old CA. */
  oldCaEndedAt: v.optional(Time),
  notes: v.array(
    v.object({
      code: v.string(),
      message: v.string(),
      /** Why it waits. */
      reason: v.optional(v.string()),
      /** The nodes that it waits for, or the pods that hang. */
      for: v.optional(v.array(v.string())),
      until: v.optional(Time),
      /** The hold ends within ten minutes. */
      endsSoon: v.optional(v.literal(true)),
      /** The first objects of the cluster that it refers to. The namespace is empty for a kind without namespaces. */
      objects: v.optional(
        v.array(v.object({ kind: v.string(), namespace: v.string(), name: v.string(), reason: v.string() })),
      ),
      /** How many there are, and when they were seen. */
      count: v.optional(Count),
      seenAt: v.optional(Time),
    }),
  ),
});

/** One difference from the desired state; `of` is the file or the unit, `at` when it ends. */
export const DifferenceShown = v.object({
  code: v.string(),
  severity: v.picklist(['critical', 'warning', 'info']),
  of: v.string(),
  text: v.string(),
  at: v.optional(Time),
});

/** How work ended. A `statusCode` of 0 is success. */
export const Outcome = v.object({
  is: v.picklist(['succeeded', 'failed']),
  statusCode: v.number(),
  stdout: v.string(),
  stderr: v.string(),
  outputs: v.optional(v.record(v.string(), v.unknown())),
  /** `node`: the state of the node after files had been replaced (`taken-back`, `unproven`, `stuck`). */
  error: v.optional(
    v.object({ code: v.string(), reason: v.optional(v.string()), node: v.optional(v.string()) }),
  ),
});

/** A result that Heat has not acknowledged. */
export const Unacknowledged = v.object({
  id: v.string(),
  why: v.string(),
  code: v.optional(v.string()),
  reason: v.optional(v.string()),
  retryAfterMs: v.optional(v.number()),
});

/** A deployment whose group no hook on this node serves. */
export const Unserved = v.object({ id: v.string(), group: v.string() });

/** The changes of a run: files, the observed units that read them, and the cluster's workloads. */
export const Changed = v.object({
  files: v.array(v.string()),
  seen: v.optional(v.array(Remark)),
  workloads: v.optional(v.array(Remark)),
  /** For a change of credentials: the results for the login in the Kubernetes API. */
  objects: v.optional(v.array(Remark)),
});
