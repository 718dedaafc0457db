import type { KeyAlgorithm } from '../../src/certificates/key.ts';
import type { CaType } from '../../src/certificates/layout.ts';
import { type CertificateRequest, requestsOf } from '../../src/certificates/request.ts';
import { fill } from '../../src/certificates/template.ts';
import type { RunRequest } from '../../src/hooks/request.ts';
import type { ManagedFile } from '../../src/files/managed-file.ts';
import { type HeatParams, isTrue } from '../../src/metadata/heat-params.ts';
import type { Change } from '../../src/files/credential-file.ts';
import type { GoBackOperation, RotateOperation } from '../../src/operation/operation.ts';
import type { Phase } from '../../src/operation/phase.ts';
import type { ListPlan } from '../../src/services/list.ts';
import { planUnits, type UnitPlan } from '../../src/services/unit.ts';
import type { WorkloadsPlan } from '../../src/services/workloads.ts';
import type { Config } from '../config.ts';
import type { Node } from '../node.ts';
import { workloadsFor } from '../rotation/workloads-plan.ts';

/** What will be done, as data: `agent plan` prints it, perform.ts carries it out. */
export type Step =
  | { do: 'log-in'; as: string; token: string | undefined }
  /** Looks for everything that would make a later step fail, before any key is made. */
  | { do: 'check'; paths: readonly string[]; units: readonly UnitPlan[] }
  /** Whether a phase of a CA rotation can follow on what the node is now. */
  | {
      do: 'compare';
      phase: Exclude<Phase, 'all'>;
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
      /** What becomes of the certificates; undefined: they stay, and so do the CAs. */
      certificates: Phase | undefined;
      /** What becomes of the service-account keys; with `grace` those go whose time is over. */
      keys: Phase | 'grace';
      serviceAccount: RotateOperation['serviceAccount'];
      /** What will be restarted afterwards: the journal has to know it before the first file is replaced. */
      units: readonly UnitPlan[];
      workloads?: WorkloadsPlan | undefined;
      notices?: readonly string[];
    }
  /** Files that come as they are, and what is said of them once all is proven. */
  | {
      do: 'stage-files';
      files: readonly ManagedFile[];
      units: readonly UnitPlan[];
      lists: readonly ListPlan[];
      said: readonly string[];
    }
  /** Asks Magnum with the login of the step before: a trust of another project's cluster is found out here. */
  | { do: 'ask-cluster'; ca: CaType | undefined; region: string }
  | {
      do: 'stage-credentials';
      change: Change;
      paths: readonly string[];
      units: readonly UnitPlan[];
      /** What is left for a person to see to. */
      notices: readonly string[];
    }
  | { do: 'replace' }
  | { do: 'restart'; unit: UnitPlan }
  /** Sees a unit go by a list of revoked certificates. */
  | { do: 'prove-list'; list: ListPlan }
  /** The pods of the cluster get the CA that they are to trust. */
  | { do: 'restart-workloads'; plan: WorkloadsPlan };

/** The one step of a deployment that is a script or has a hook; perform-run.ts carries it out. */
export type RunStep =
  | { do: 'run'; request: RunRequest }
  /** An earlier start of the agent has begun it. */
  | { do: 'take-up'; id: string };

/**
 * New certificates for a node: a rotation or a phase of one, or with `restart: false` the first ones.
 *
 * @param copies other files that hold what is replaced
 */
export function planRotation(
  operation: RotateOperation,
  node: Node,
  config: Config,
  restart: boolean,
  copies: readonly string[] = [],
): Step[] {
  const { layout, params, values } = node;
  const { phase, serviceAccount, keystoneToken } = operation;
  const units = restart ? unitsOf(node, config) : [];
  const { workloads, notices } = workloadsFor(operation, units, node, config);
  const keyPaths = serviceAccount || phase !== 'all' ? serviceAccountPaths(node) : [];
  const paths = [...certificatePaths(node, phase), ...keyPaths, ...copies];
  const authorities = layout.authorities.map(({ ca }) => ca);
  const compare: Step[] = phase === 'all' ? [] : [{ do: 'compare', phase, authorities, serviceAccount }];
  const issue: Step = {
    do: 'issue',
    authorities,
    requests: requestsOf(layout, values),
    algorithm: config.keys,
  };
  return [
    {
      do: 'log-in',
      as: keystoneToken === undefined ? trusteeOf(params) : 'the deployment, with its own token',
      token: keystoneToken,
    },
    { do: 'check', paths, units },
    ...compare,
    ...(makesNewLeaves(phase) ? [issue] : []),
    { do: 'stage', paths, certificates: phase, keys: phase, serviceAccount, units, workloads, notices },
    ...fromReplaceOn(units, [], workloads),
  ];
}

const makesNewLeaves = (phase: Phase): boolean => phase === 'all' || phase === 'reissue';

/** Back to the service-account keys of earlier inputs; no steps where the role has none. */
export function planGoingBack(
  { phase, serviceAccount }: GoBackOperation,
  node: Node,
  config: Config,
): Step[] {
  const paths = serviceAccountPaths(node);
  if (!serviceAccount || paths.length === 0) return [];
  const units = unitsOf(node, config);
  // A key that was only to be accepted does not sign now.
  const keys = phase === 'trust' ? phase : 'all';
  return [
    { do: 'check', paths, units },
    { do: 'stage', paths, certificates: undefined, keys, serviceAccount, units },
    ...fromReplaceOn(units),
  ];
}

/** Service-account keys whose grace is over go; who verifies with them is restarted. */
export function planEndOfGrace(node: Node, config: Config): Step[] {
  const { serviceAccount: row } = node.layout;
  const paths = row ? [row.publicKeyFile.path] : [];
  const units = unitsOf(node, config).filter(({ unit }) => row?.verifiers.includes(unit));
  return [
    { do: 'check', paths, units },
    { do: 'stage', paths, certificates: undefined, keys: 'grace', serviceAccount: undefined, units },
    ...fromReplaceOn(units),
  ];
}

/** Other credentials in every file that holds them, once Keystone and Magnum have taken them. */
export function planCredentials(
  node: Node,
  { change, paths, units, notices }: Omit<Extract<Step, { do: 'stage-credentials' }>, 'do'>,
): Step[] {
  const { layout, params } = node;
  const hasTls = !isTrue(params.get('TLS_DISABLED'));
  return [
    { do: 'log-in', as: trusteeOf(params), token: undefined },
    // A cluster without TLS has no CA to ask for.
    { do: 'ask-cluster', ca: hasTls ? layout.authorities[0]?.ca : undefined, region: change.fresh.region },
    { do: 'check', paths, units },
    { do: 'stage-credentials', change, paths, units, notices },
    ...fromReplaceOn(units),
  ];
}

const trusteeOf = (params: HeatParams): string =>
  `user ${params.get('TRUSTEE_USER_ID') ?? ''} with trust ${params.get('TRUST_ID') ?? ''}`;

/** Restarts alone: every unit is proven with the certificates that the node has. */
export const planRestart = (units: readonly UnitPlan[]): Step[] => [
  { do: 'check', paths: [], units },
  ...units.map((unit): Step => ({ do: 'restart', unit })),
];

/**
 * Lists of revoked certificates in their places.
 *
 * @param lists how each is proven; none where a service is only to be configured for it
 */
export function planRevocation(
  files: readonly ManagedFile[],
  lists: readonly ListPlan[],
  said: readonly string[],
): Step[] {
  const paths = files.map(({ path }) => path);
  const units = lists.filter(({ rereads }) => !rereads).map(({ unit }) => unit);
  return [
    { do: 'check', paths, units: lists.map(({ unit }) => unit) },
    { do: 'stage-files', files, units, lists, said },
    ...fromReplaceOn(units, lists),
  ];
}

export const unitsOf = ({ layout, values }: Node, { services }: Config): UnitPlan[] =>
  planUnits(layout, (text) => fill(text, values), services.units, services);

/** What a plan ends with, and what is left of one that was interrupted after its first replaced file. */
export const fromReplaceOn = (
  units: readonly UnitPlan[],
  lists: readonly ListPlan[] = [],
  workloads?: WorkloadsPlan,
): Step[] => [
  { do: 'replace' },
  ...units.map((unit): Step => ({ do: 'restart', unit })),
  ...lists.map((list): Step => ({ do: 'prove-list', list })),
  ...(workloads ? [{ do: 'restart-workloads', plan: workloads } as const] : []),
];

const certificatePaths = ({ layout }: Node, phase: Phase): string[] => [
  ...new Set([
    ...layout.authorities.map(({ file }) => file.path),
    ...layout.certificates.flatMap(({ files }) =>
      files && makesNewLeaves(phase) ? [files.key.path, files.certificate.path] : [],
    ),
    ...layout.kubeconfigs.map(({ file }) => file.path),
  ]),
];

const serviceAccountPaths = ({ layout: { serviceAccount: row } }: Node): string[] =>
  row ? [row.privateKeyFile.path, row.publicKeyFile.path] : [];
