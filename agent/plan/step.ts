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

/** A remark of a plan that is also part of its outcome. */
export type PlanNotice =
  | Remark<
      | 'copy-left'
      /** The tasks of the cluster's owner after `trust`. */
      | 'phases-left'
      | 'upgrade-done'
      | 'workloads-elsewhere'
    >
  | CredentialNotice;

/** One step of a plan. `agent plan` prints it; plan.ts defines the order. */
export type Step =
  | { do: 'log-in'; as: string; token: string | undefined }
  /** Checks for everything that would make a later step fail, before any key is created. */
  | { do: 'check'; paths: readonly string[]; units: readonly UnitPlan[] }
  /** Checks whether a phase of a CA rotation, or a renewal, may follow the node's present state. */
  | {
      do: 'compare';
      phase: Exclude<Phase, 'all'> | 'renew';
      /** For a renewal: discards new certificates that do not last longer than the present ones. */
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
      /** The phase of the certificates; undefined: certificates and CAs do not change. */
      certificates: Phase | undefined;
      /**
       * The change of the service-account keys. `grace` removes those whose time is over, `first` installs those of
       * heat-params, `keep` changes none.
       */
      keys: Phase | 'grace' | 'first' | 'keep';
      serviceAccount: RotateOperation['serviceAccount'];
      /** How long former keys remain accepted, in milliseconds; undefined: as configured. */
      graceMs?: number | undefined;
      /** Units to restart afterwards. The journal must list them before the first file is replaced. */
      units: readonly UnitPlan[];
      workloads?: WorkloadsPlan | undefined;
      notices?: readonly PlanNotice[];
      /** Recreates damaged files of the layout like missing ones. */
      mends?: boolean;
      /** The files whose former content is kept; undefined: none. */
      keep?: readonly string[];
    }
  /** Stages files with given content, and the outcome to report after the proof. */
  | {
      do: 'stage-files';
      files: readonly ManagedFile[];
      units: readonly UnitPlan[];
      lists: readonly ListPlan[];
      said: readonly string[];
    }
  /** Asks Magnum with the login of the previous step. This detects the trust of another project's cluster. */
  | { do: 'ask-cluster'; ca: CaType | undefined; region: string }
  /** Makes a TLS handshake with Keystone that trusts only the new CAs. */
  | { do: 'see-cloud'; url: string; ca: string }
  | {
      do: 'stage-credentials';
      change: Change;
      /** The new CA bundle of the cloud. */
      openstackCa?: string | undefined;
      paths: readonly string[];
      units: readonly UnitPlan[];
      /** For a master: how to change the login in objects of the API. */
      objects: ObjectsPlan | undefined;
      /** Tasks left for a person. */
      notices: readonly PlanNotice[];
    }
  | { do: 'replace' }
  | RestartStep
  /** Proves that a unit uses a list of revoked certificates. */
  | { do: 'prove-list'; list: ListPlan }
  /** Restarts the cluster's workloads, so that pods receive the CA to trust. */
  | { do: 'restart-workloads'; plan: WorkloadsPlan }
  /** Changes the login in Secrets and config maps of the cluster, and restarts the workloads that read it. */
  | { do: 'change-objects'; plan: ObjectsPlan };

/** Restarts units in order; see `stopFirst` in layout.ts. `before`: the unit that restarts next. */
export type RestartStep =
  | { do: 'stop'; unitPlan: UnitPlan; before: string }
  | { do: 'restart'; unitPlan: UnitPlan };

export type StepOf<D extends Step['do']> = Extract<Step, { do: D }>;

/** The only step of a deployment that is a script or has a hook. perform-run.ts carries it out. */
export type RunStep =
  | { do: 'run'; request: RunRequest; /** The metadata for it to read. */ configFiles: readonly ConfigFile[] }
  /** An earlier start of the agent has started it. */
  | { do: 'take-up'; id: string };

/** Lists the restarts of units in order. Only a unit that is restarted later is stopped. */
export const restartsOf = (units: readonly UnitPlan[]): RestartStep[] =>
  units.flatMap((unitPlan, index): RestartStep[] => [
    ...units
      .slice(index + 1)
      .filter(({ name }) => unitPlan.stopFirst?.includes(name))
      .map((later) => ({ do: 'stop', unitPlan: later, before: unitPlan.name }) as const),
    { do: 'restart', unitPlan },
  ]);

/** Lists the steps after staging. */
export const stepsOfTail = (
  units: readonly UnitPlan[],
  lists: readonly ListPlan[] = [],
  workloads?: WorkloadsPlan,
): Step[] => [
  { do: 'replace' },
  ...restartsOf(units),
  ...lists.map((list): Step => ({ do: 'prove-list', list })),
  ...(workloads ? [{ do: 'restart-workloads', plan: workloads } as const] : []),
];
