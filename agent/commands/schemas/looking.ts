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
} from './parts.ts';

/** What the verbs say that change nothing. */

/** How the node differs from its desired state now; empty also when its files cannot be read. */
const Differences = v.array(DifferenceShown);

export const Status = v.object({
  /** What makes the exit code 1, the worst first. */
  health: v.array(
    v.object({ code: v.string(), level: v.picklist(['warning', 'critical']), text: v.string() }),
  ),
  /** Who holds the lock: the daemon, or another verb. */
  holder: v.nullable(v.object({ name: v.string(), since: Time })),
  /** What is tried again: `until` is when it is given up. null: nothing. */
  waiting: v.nullable(
    v.object({
      what: v.string(),
      /** What `what` says, and the file, the unit or the address that it is about. */
      whatCode: v.optional(v.string()),
      of: v.optional(v.string()),
      why: v.string(),
      /** What `why` says. */
      code: v.optional(v.string()),
      reason: v.optional(v.string()),
      since: Time,
      until: Time,
    }),
  ),
  /** That this master holds its turn, in which it restarts its units; null: it does not. */
  turn: v.nullable(v.object({ since: Time })),
  polling: v.object({
    /** `configured`, or what became of a polling override of the metadata. */
    code: v.string(),
    collectors: v.array(v.string()),
    sources: v.array(v.string()),
    text: v.string(),
  }),
  /** null: none since the node was started. */
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
  /** How the daemon last found the node to differ from what it should be; null: it has not looked yet. */
  desired: v.nullable(v.object({ comparedAt: Time, differences: v.array(DifferenceShown) })),
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
      /** Heat lists it no more, and its result is not waited for. */
      isGivenUp: v.boolean(),
      /** How the result is sent; null once it is acknowledged. */
      signal: v.nullable(v.string()),
      outcome: v.nullable(Outcome),
    }),
  ),
});

const Details = v.object({
  subject: v.string(),
  names: v.array(v.string()),
  /** The CA file whose key has signed it, `itself`, or null: neither. */
  issuer: v.nullable(v.string()),
  /** `digitalSignature`, `serverAuth` ...; an object identifier where there is no name. */
  usages: v.array(v.string()),
  /** `rsa-4096`, `ec-p256` ... */
  keyType: v.string(),
  /** Whole, in lower-case hex. */
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
  /** What the layout names; without particulars where there is no certificate. */
  certificates: v.array(
    v.object({
      file: v.string(),
      kind: v.picklist(['CA', 'certificate', 'kubeconfig']),
      ...v.partial(Details).entries,
      faults: v.array(
        v.object({ code: v.string(), path: v.optional(v.string()), why: v.optional(v.string()) }),
      ),
      /** What the unit's port presents; `presents` is null when it did not answer. */
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
      /** Where in a kubeconfig. */
      entry: v.nullable(v.string()),
      /** null: there is no key beside it, or none that can be read. */
      keyFits: v.nullable(v.boolean()),
      ...Details.entries,
    }),
  ),
  unreadable: v.array(v.object({ file: v.string(), ...Problem.entries })),
});

export const Doctor = v.object({
  /** `false`: it was stopped before it had looked at everything. */
  isComplete: v.boolean(),
  findings: v.array(
    v.object({
      id: v.string(),
      verdict: v.picklist(['good', 'warning', 'bad']),
      /** A path, a unit, a collector, a kind of CA. */
      of: v.optional(v.string()),
      /** Which of the causes that share an id. */
      reason: v.optional(v.string()),
      /** A rotation mends it, and is not refused for it. */
      isMended: v.optional(v.boolean()),
      what: v.string(),
      /** The address that was asked. */
      url: v.optional(v.string()),
      /** Whose login it was asked with: a user, a trust, a kubeconfig. */
      login: v.optional(v.string()),
      /** The command to type next. */
      next: v.optional(v.string()),
    }),
  ),
  /** The commands of everything that is bad, each once, in the order in which they are to be typed. */
  nextSteps: v.array(v.object({ command: v.string(), findings: v.array(v.string()) })),
});

export const Plan = v.object({
  rotation: Rotation,
  interrupted: Interrupted,
  differences: Differences,
  deployments: v.array(
    v.object({
      id: v.string(),
      group: v.string(),
      resource: v.string(),
      verdict: v.picklist(['planned', 'refused', 'unserved']),
      why: v.string(),
      /** What `why` says: `change`, `run`, `take-up`, the reason to do nothing, or the code of the error. */
      code: v.string(),
      /** Of a change of the node. */
      layout: v.optional(v.string()),
      role: v.optional(v.picklist(['master', 'worker'])),
      /** Why it is refused. */
      error: v.optional(v.object({ code: v.string(), reason: v.optional(v.string()) })),
      /** What a deployment of Magnum's own asks for. */
      magnum: v.optional(v.string()),
      limits: v.array(v.string()),
      /** In the order of `limits`; `own`: of an operator's layout. */
      limitCodes: v.array(v.string()),
      steps: v.array(DetailedStep),
    }),
  ),
  /** The ids of deployments that are done already. */
  done: v.array(v.string()),
  problems: v.array(Problem),
});

export const Fleet = v.object({
  /** The fields that the agent of a node reports. Every user with write access to Nodes can forge them. */
  unproven: v.array(v.string()),
  nodes: v.array(
    v.object({
      node: v.string(),
      role: v.picklist(['master', 'worker']),
      /** The version of the agent. null here and below: there is no report. */
      agent: v.nullable(v.string()),
      phase: v.nullable(v.string()),
      /** The Kubernetes CAs that the node trusts: SHA-256. */
      cas: v.array(v.string()),
      notAfter: v.nullable(Time),
      daysLeft: v.nullable(v.pipe(v.number(), v.integer())),
      waits: v.nullable(v.object({ why: v.string(), for: v.array(v.string()) })),
      reportedAt: v.nullable(Time),
      /** When every collector had last answered. */
      passAt: v.nullable(Time),
      /** Why the exit code is 1; empty: the node is well, and as most others. */
      problems: v.array(v.string()),
    }),
  ),
});
