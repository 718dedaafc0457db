import * as v from 'valibot';
import {
  Count,
  DetailedStep,
  DifferenceShown,
  Interrupted,
  Outcome,
  Problem,
  Rotation,
  Time,
  Unacknowledged,
  Unserved,
  Waiting,
} from './parts.ts';

/** The output of verbs that change nothing. */

/** The node's present differences from its desired state. Empty also when its files cannot be read. */
const Differences = v.array(DifferenceShown);

export const Status = v.object({
  /** The reasons for exit code 1, worst first. */
  health: v.array(
    v.object({ code: v.string(), level: v.picklist(['warning', 'critical']), text: v.string() }),
  ),
  /** The holder of the lock: the daemon or another verb. */
  holder: v.nullable(v.object({ name: v.string(), since: Time })),
  /** null: it retries nothing. */
  waiting: v.nullable(Waiting),
  /** Since when this master holds its turn to restart its units. null: it holds none. */
  turn: v.nullable(v.object({ since: Time })),
  polling: v.object({
    /** `configured`, `unconfigured`, or the state of a polling override from the metadata. */
    code: v.string(),
    collectors: v.array(v.string()),
    sources: v.array(v.string()),
    text: v.string(),
  }),
  /** null: no pass has run since the node was started. */
  lastPass: v.nullable(
    v.object({
      at: Time,
      completeAt: v.optional(Time),
      answeredAt: v.record(v.string(), Time),
      problems: v.array(Problem),
      open: v.array(Unacknowledged),
      unserved: v.array(Unserved),
      answers: v.array(
        v.object({
          collector: v.string(),
          why: v.optional(v.string()),
          code: v.optional(v.string()),
          reason: v.optional(v.string()),
        }),
      ),
    }),
  ),
  interrupted: Interrupted,
  rotation: Rotation,
  /** The differences from the desired state that the daemon saw last. null: it has not compared yet. */
  desired: v.nullable(
    v.object({
      comparedAt: Time,
      differences: v.array(DifferenceShown),
      /** Since when a renewal that is due waits for the end of a rotation. null: none waits. */
      renewalWaitsSince: v.nullable(Time),
    }),
  ),
  /** The ids of deployments. */
  lastSuccess: v.nullable(v.string()),
  lastFailure: v.nullable(v.string()),
  /** Oldest first. */
  deployments: v.array(
    v.object({
      id: v.string(),
      name: v.string(),
      group: v.string(),
      action: v.string(),
      resource: v.string(),
      createdAt: v.nullable(Time),
      state: v.picklist(['accepted', 'started', 'finished', 'signalled', 'superseded']),
      /** When each state was reached. */
      at: v.record(v.string(), Time),
      timesBegun: Count,
      /** Heat no longer lists it, and its result is not awaited. */
      isGivenUp: v.boolean(),
      /** How the result is sent. null: Heat has acknowledged it. */
      signal: v.nullable(v.string()),
      outcome: v.nullable(Outcome),
    }),
  ),
});

const Details = v.object({
  subject: v.string(),
  names: v.array(v.string()),
  /** The CA file whose key signed it, or `itself`. null: neither. */
  issuer: v.nullable(v.string()),
  /** `digitalSignature`, `serverAuth` ...; an object identifier where there is no name. */
  usages: v.array(v.string()),
  /** `rsa-4096`, `ec-p256` ... */
  keyType: v.string(),
  /** The complete serial number, in lower-case hex. */
  serial: v.string(),
  /** SHA-256, in hex. */
  fingerprint: v.string(),
  notBefore: Time,
  notAfter: Time,
  daysLeft: v.pipe(v.number(), v.integer()),
  /** `urgent` within a week, `warning` within 30 days. */
  expiry: v.picklist(['good', 'warning', 'urgent', 'expired']),
});

export const Certs = v.object({
  layout: v.string(),
  role: v.picklist(['master', 'worker']),
  rotation: Rotation,
  differences: Differences,
  /** The certificates of the layout; fields about the certificate are absent if the file contains none. */
  certificates: v.array(
    v.object({
      file: v.string(),
      kind: v.picklist(['CA', 'certificate', 'kubeconfig']),
      ...v.partial(Details).entries,
      faults: v.array(
        v.object({ code: v.string(), path: v.optional(v.string()), why: v.optional(v.string()) }),
      ),
      /** The certificate that the unit's port presents. `presents` is null when the port did not answer. */
      served: v.optional(
        v.object({
          unit: v.string(),
          where: v.string(),
          presents: v.nullable(v.boolean()),
          why: v.optional(v.string()),
          code: v.optional(v.string()),
          reason: v.optional(v.string()),
        }),
      ),
    }),
  ),
  /** Certificates in other files. */
  copies: v.array(
    v.object({
      file: v.string(),
      /** The entry of a kubeconfig. */
      entry: v.nullable(v.string()),
      /** null: there is no readable key beside it. */
      keyFits: v.nullable(v.boolean()),
      ...Details.entries,
    }),
  ),
  unreadable: v.array(v.object({ file: v.string(), ...Problem.entries })),
});

export const Doctor = v.object({
  /** `false`: it was stopped before all checks had run. */
  isComplete: v.boolean(),
  findings: v.array(
    v.object({
      id: v.string(),
      verdict: v.picklist(['good', 'warning', 'bad']),
      /** A path, a unit, a collector, a kind of CA. */
      of: v.optional(v.string()),
      /** Distinguishes causes that share an id. */
      reason: v.optional(v.string()),
      /** A rotation repairs this, and does not fail because of it. */
      isMended: v.optional(v.boolean()),
      what: v.string(),
      /** The address of the request. */
      url: v.optional(v.string()),
      /** The login of the request: a user, a trust or a kubeconfig. */
      login: v.optional(v.string()),
      /** The command to run next. */
      next: v.optional(v.string()),
    }),
  ),
  /** The commands for all findings that are bad, each once, in the order in which to run them. */
  nextSteps: v.array(v.object({ command: v.string(), findings: v.array(v.string()) })),
});

export const Plan = v.object({
  rotation: Rotation,
  interrupted: Interrupted,
  /** The current work of the process that holds the lock. null: none, or the daemon waits for its next poll. */
  underWay: v.nullable(
    v.object({
      holder: v.string(),
      since: Time,
      /** The deployments that it carries out, and when it started each. */
      deployments: v.array(v.object({ id: v.string(), since: Time })),
      /** The run whose files are staged or replaced: a deployment's id or a verb. */
      runId: v.nullable(v.string()),
      waiting: v.nullable(Waiting),
    }),
  ),
  differences: Differences,
  deployments: v.array(
    v.object({
      id: v.string(),
      group: v.string(),
      resource: v.string(),
      verdict: v.picklist(['planned', 'refused', 'unserved']),
      /** The process in `underWay` carries it out. */
      isUnderWay: v.boolean(),
      why: v.string(),
      /** The code of `why`: `change`, `run`, `take-up`, the reason to do nothing, or the code of the error. */
      code: v.string(),
      /** Fields of an entry that changes the node. */
      layout: v.optional(v.string()),
      role: v.optional(v.picklist(['master', 'worker'])),
      /** Why it is rejected. */
      error: v.optional(v.object({ code: v.string(), reason: v.optional(v.string()) })),
      /** The request of a deployment that Magnum made. */
      magnum: v.optional(v.string()),
      limits: v.array(v.string()),
      /** In the order of `limits`. `own`: a limit of an operator's layout. */
      limitCodes: v.array(v.string()),
      steps: v.array(DetailedStep),
    }),
  ),
  /** Ids of completed deployments. */
  done: v.array(v.string()),
  problems: v.array(Problem),
});

export const Fleet = v.object({
  /** Fields that others can forge: every user with write access to Nodes, or everyone who may signal the stack. */
  unproven: v.array(v.string()),
  nodes: v.array(
    v.object({
      node: v.string(),
      /** In a stack, only a report tells it; without one it is `worker`. */
      role: v.picklist(['master', 'worker']),
      /** The version of the agent. Here and below, null means that there is no report. */
      agent: v.nullable(v.string()),
      phase: v.nullable(v.string()),
      /** SHA-256 fingerprints of the Kubernetes CAs that the node trusts. */
      cas: v.array(v.string()),
      notAfter: v.nullable(Time),
      daysLeft: v.nullable(v.pipe(v.number(), v.integer())),
      waits: v.nullable(v.object({ why: v.string(), for: v.array(v.string()) })),
      reportedAt: v.nullable(Time),
      /** When all collectors last answered. null in a stack. */
      passAt: v.nullable(Time),
      /** The reasons for exit code 1. Empty: the node is healthy and does not differ from most others. */
      problems: v.array(v.string()),
    }),
  ),
});
