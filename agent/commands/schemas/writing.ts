import * as v from 'valibot';
import {
  Changed,
  Count,
  DetailedStep,
  DifferenceShown,
  Interrupted,
  Outcome,
  Problem,
  Remark,
  Time,
  Unacknowledged,
  Unserved,
} from './parts.ts';

/** The output of verbs that change the node. */

export const RunOnce = v.object({
  interrupted: Interrupted,
  settled: v.array(v.object({ id: v.string(), outcome: Outcome, durationMs: v.optional(Count) })),
  problems: v.array(Problem),
  unacknowledged: v.array(Unacknowledged),
  unserved: v.array(Unserved),
});

/** The fingerprints of the CA and, by name, of the new certificates. */
export const Made = v.object({
  fingerprint: v.optional(v.string()),
  certificates: v.optional(v.record(v.string(), v.string())),
});

export const MakeCert = v.object({
  made: v.boolean(),
  /** Why nothing was created: `good-set`, `rotation-under-way`. */
  reason: v.optional(v.string()),
  ...Made.entries,
});

export const ClusterConfig = v.object({
  kubeconfig: v.string(),
  user: v.string(),
  server: v.string(),
  fingerprint: v.string(),
  serial: v.string(),
  notAfter: Time,
});

/** The restarted units, each with its certificate and address. */
export const Restarted = v.object({
  restarted: v.array(
    v.object({ unit: v.string(), presents: v.nullable(v.string()), on: v.nullable(v.string()) }),
  ),
});

export const Restart = v.object({
  done: v.boolean(),
  ...Restarted.entries,
  /** The outcome of restarting the cluster's workloads. */
  said: v.array(Remark),
});

/** Why nothing was changed. */
const reason = v.optional(v.string());

export const Revoke = v.object({ changed: v.boolean(), reason, why: v.string(), ...Changed.entries });

export const Credentials = v.object({
  changed: v.boolean(),
  reason,
  why: v.string(),
  ...Changed.entries,
  /** With --dry-run: the planned steps. */
  steps: v.optional(v.array(DetailedStep)),
});

export const Migrate = v.object({ steps: v.array(Remark) });

/** The differences before the repair. With --dry-run also the changes to each file, as a unified diff. */
export const Repair = v.object({
  repaired: v.boolean(),
  differences: v.array(DifferenceShown),
  changes: v.optional(v.array(v.object({ file: v.string(), lines: v.array(v.string()) }))),
  /** Why the changes cannot be shown. */
  why: v.optional(v.string()),
  ...Made.entries,
});

export const Rollback = v.object({
  rolledBack: v.boolean(),
  /** `nothing-to-roll-back`, `stuck`. */
  reason: v.optional(v.string()),
  /** The restored generation, and the replaced files. */
  to: v.optional(v.string()),
  files: v.optional(v.array(v.string())),
  /** Until then, no phase of a rotation starts by itself, except `trust`. */
  heldUntil: v.optional(Time),
  /** With --list: the kept generations, the newest first. */
  kept: v.optional(
    v.array(
      v.object({
        id: v.string(),
        /** When the run that replaced it began. */
        at: Time,
        runId: v.string(),
        /** When the first of its certificates expires. */
        notAfter: v.optional(Time),
        /** The files that a rollback to it would change. */
        changes: v.array(v.string()),
        /** Its CAs that the node no longer trusts. */
        formerCas: v.array(v.string()),
        /** Why it cannot be used. */
        faults: v.array(v.string()),
      }),
    ),
  ),
  why: v.optional(v.string()),
  /** The code of `why`. */
  code: v.optional(v.string()),
});

/** The orders about a rotation on this node. */
export const RotationOrders = v.object({ finishes: v.boolean(), heldUntil: v.optional(Time) });

export const UnitPaths = v.object({ paths: v.array(v.string()) });
