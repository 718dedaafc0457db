import type { ConfigFile } from '../../src/metadata/config-files.ts';
import type { Remark } from '../../src/base/remark.ts';
import type { CredentialNotice } from '../../src/files/credentials.ts';
import type { KeyAlgorithm } from '../../src/certificates/key.ts';
import type { CaType } from '../../src/certificates/layout.ts';
import type { CertificateRequest } from '../../src/certificates/request.ts';
import type { RunRequest } from '../../src/hooks/request.ts';
import type { ManagedFile } from '../../src/files/managed-file.ts';
import type { Change } from '../../src/files/credential-file.ts';
import type { RotateOperation } from '../../src/operation/operation.ts';
import type { Phase } from '../../src/operation/phase.ts';
import type { ListPlan } from '../../src/services/list.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { ObjectsPlan, WorkloadsPlan } from '../../src/services/workloads.ts';

/** A remark that a plan brings with it: its outcome says it, too. */
export type PlanNotice =
  | Remark<
      | 'copy-left'
      /** The tasks of the cluster's owner after `trust`. */
      | 'phases-left'
      | 'upgrade-done'
      | 'workloads-elsewhere'
    >
  | CredentialNotice;

/** One step of a plan: `agent plan` prints it, and plan.ts says which follow on which. */
export type Step =
  | { do: 'log-in'; as: string; token: string | undefined }
  /** Looks for everything that would make a later step fail, before any key is made. */
  | { do: 'check'; paths: readonly string[]; units: readonly UnitPlan[] }
  /** Whether a phase of a CA rotation, or a renewal, can follow on what the node is now. */
  | {
      do: 'compare';
      phase: Exclude<Phase, 'all'> | 'renew';
      /** Of a renewal: certificates that last no longer than those of now are discarded. */
      mustLast?: boolean;
      authorities: readonly CaType[];
      serviceAccount: RotateOperation['serviceAccount'];
    }
  | {
      do: 'issue';
      authorities: readonly CaType[];
      requests: readonly CertificateRequest[];
      algorithm: KeyAlgorithm;
    }
  | {
      do: 'stage';
      paths: readonly string[];
      /** The phase of the certificates; undefined: certificates and CAs stay. */
      certificates: Phase | undefined;
      /**
       * What becomes of the service-account keys; with `grace` those go whose time is over, `first` are those of heat-params;
       * with `keep` they are not touched.
       */
      keys: Phase | 'grace' | 'first' | 'keep';
      serviceAccount: RotateOperation['serviceAccount'];
      /** How long former keys stay accepted; undefined: as configured. */
      graceMs?: number | undefined;
      /** Units to restart afterwards: the journal has to know them before the first file is replaced. */
      units: readonly UnitPlan[];
      workloads?: WorkloadsPlan | undefined;
      notices?: readonly PlanNotice[];
      /** Damaged files of the layout are made anew, like missing ones. */
      mends?: boolean;
      /** The files that are kept as they were; undefined: none. */
      keep?: readonly string[];
    }
  /** Files with given content, and the outcome to report once all is proven. */
  | {
      do: 'stage-files';
      files: readonly ManagedFile[];
      units: readonly UnitPlan[];
      lists: readonly ListPlan[];
      said: readonly string[];
    }
  /** Asks Magnum with the login of the step before: a trust of another project's cluster is found out here. */
  | { do: 'ask-cluster'; ca: CaType | undefined; region: string }
  /** A TLS handshake with Keystone that trusts the new CAs alone. */
  | { do: 'see-cloud'; url: string; ca: string }
  | {
      do: 'stage-credentials';
      change: Change;
      /** The new CA bundle of the cloud. */
      openstackCa?: string | undefined;
      paths: readonly string[];
      units: readonly UnitPlan[];
      /** Of a master: how the objects of the API get the login. */
      objects: ObjectsPlan | undefined;
      /** Tasks left for a person. */
      notices: readonly PlanNotice[];
    }
  | { do: 'replace' }
  | { do: 'restart'; unitPlan: UnitPlan }
  /** Sees a unit go by a list of revoked certificates. */
  | { do: 'prove-list'; list: ListPlan }
  /** The pods of the cluster get the CA that they are to trust. */
  | { do: 'restart-workloads'; plan: WorkloadsPlan }
  /** Secrets and config maps of the cluster get the new login, and the pods that read it are replaced. */
  | { do: 'change-objects'; plan: ObjectsPlan };

export type StepOf<D extends Step['do']> = Extract<Step, { do: D }>;

/** The one step of a deployment that is a script or has a hook; perform-run.ts carries it out. */
export type RunStep =
  | { do: 'run'; request: RunRequest; /** The metadata for it to read. */ configFiles: readonly ConfigFile[] }
  /** An earlier start of the agent has begun it. */
  | { do: 'take-up'; id: string };

/** The steps after staging. */
export const stepsOfTail = (
  units: readonly UnitPlan[],
  lists: readonly ListPlan[] = [],
  workloads?: WorkloadsPlan,
): Step[] => [
  { do: 'replace' },
  ...units.map((unitPlan): Step => ({ do: 'restart', unitPlan })),
  ...lists.map((list): Step => ({ do: 'prove-list', list })),
  ...(workloads ? [{ do: 'restart-workloads', plan: workloads } as const] : []),
];
