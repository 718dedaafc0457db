import { requestsOf } from '../../src/certificates/request.ts';
import { type GoBackOperation, ROTATE_ALL, type RotateOperation } from '../../src/operation/operation.ts';
import type { Phase } from '../../src/operation/phase.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { Config } from '../config.ts';
import { type Node, ownLoginOf } from '../node.ts';
import type { CertificatesPlan, KeysPlan } from '../plan/plan.ts';
import type { PlanNotice } from '../plan/step.ts';
import type { FoundCopies } from './find-copies.ts';
import { workloadsFor } from './workloads-plan.ts';

/**
 * Plans new certificates for a node: a rotation or one of its phases.
 *
 * @param units of the node, as plan/units.ts found them
 * @param copies other files that contain the replaced data, and the copies that remain
 * @param notices remarks to add to the outcome
 */
export const planRotation = (
  operation: RotateOperation,
  node: Node,
  units: readonly UnitPlan[],
  config: Config,
  copies: FoundCopies = NO_COPIES,
  notices: readonly PlanNotice[] = [],
): CertificatesPlan => planCertificates(operation, node, config, units, copies, notices);

const NO_COPIES: FoundCopies = { paths: [], left: [] };

/**
 * Plans new certificates of the same CA. CA files and service-account keys stay.
 *
 * @param pair of missing service-account key files, which are recreated
 * @param mustLast discards new certificates that do not last longer than the present ones
 */
export function planRenewal(
  node: Node,
  mustLast: boolean,
  units: readonly UnitPlan[],
  config: Config,
  copies: FoundCopies,
  pair?: RotateOperation['serviceAccount'],
): CertificatesPlan {
  const operation = { ...ROTATE_ALL, phase: 'reissue' } as const;
  const { material, stage, check, ...plan } = planCertificates(operation, node, config, units, copies);
  const paths = check.paths.filter((path) => pair || !serviceAccountPaths(node).includes(path));
  const { compare, issue } = material;
  return {
    ...plan,
    check: { ...check, paths },
    material: compare ? { issue, compare: { ...compare, phase: 'renew', mustLast } } : material,
    stage: {
      ...stage,
      paths,
      keys: pair ? 'first' : 'keep',
      serviceAccount: pair,
      mends: true,
      // With the same CA, only pods that mount the node's certificates need new ones.
      workloads: stage.workloads && { ...stage.workloads, mountsAlone: true },
    },
  };
}

/** Plans the first certificates of a node, before any unit of the cluster starts. */
export const planFirstCertificates = (
  operation: RotateOperation,
  node: Node,
  config: Config,
): CertificatesPlan => planCertificates(operation, node, config, [], NO_COPIES);

function planCertificates(
  operation: RotateOperation,
  node: Node,
  config: Config,
  units: readonly UnitPlan[],
  copies: FoundCopies,
  more: readonly PlanNotice[] = [],
): CertificatesPlan {
  const { layout, params, values } = node;
  const { phase, serviceAccount, keystoneToken } = operation;
  const { workloads, notices: said } = workloadsFor(operation, units, node, config);
  const notices = [
    ...(makesNewLeaves(phase)
      ? copies.left.map(({ path, what }): PlanNotice => ({ code: 'copy-left', of: path, text: what }))
      : []),
    ...said,
    ...more,
  ];
  const keyPaths = serviceAccount || phase !== 'all' ? serviceAccountPaths(node) : [];
  const paths = [...certificatePaths(node, phase), ...keyPaths, ...copies.paths];
  const authorities = layout.authorities.map(({ ca }) => ca);
  const issue = {
    do: 'issue',
    authorities,
    requests: requestsOf(layout, values),
    algorithm: config.keys,
  } as const;
  return {
    kind: 'certificates',
    node,
    logIn: {
      do: 'log-in',
      as: keystoneToken === undefined ? ownLoginOf(params) : 'the deployment, with its own token',
      token: keystoneToken,
    },
    check: { do: 'check', paths, units },
    material:
      phase === 'all'
        ? { issue }
        : {
            compare: { do: 'compare', phase, authorities, serviceAccount },
            issue: makesNewLeaves(phase) ? issue : undefined,
          },
    stage: {
      do: 'stage',
      paths,
      certificates: phase,
      keys: phase,
      serviceAccount,
      graceMs: operation.graceSeconds === undefined ? undefined : operation.graceSeconds * 1000,
      units,
      workloads,
      notices,
      keep: [...certificatePaths(node, 'all'), ...copies.paths].filter((path) => !isOfSigner(path, node)),
    },
  };
}

/**
 * Whether a path belongs to the signer. kube-controller-manager keeps its own CA file and its arguments once it has
 * them.
 */
const isOfSigner = (path: string, { layout: { signer } }: Node): boolean =>
  path === signer?.file.path || path === signer?.argumentsFile;

/** Plans the first service-account keys of a node that has certificates, before any unit of the cluster starts. */
export const planFirstKeys = (
  serviceAccount: NonNullable<RotateOperation['serviceAccount']>,
  node: Node,
): KeysPlan => {
  const paths = serviceAccountPaths(node);
  return {
    kind: 'keys',
    node,
    check: { do: 'check', paths, units: [] },
    stage: { do: 'stage', paths, certificates: undefined, keys: 'first', serviceAccount, units: [] },
  };
};

/**
 * Plans a change of service-account keys only: those of earlier inputs, or those of a deployment. Restarts only the
 * units that read them at their start.
 */
export function planKeys(
  { phase, serviceAccount }: Pick<GoBackOperation, 'phase' | 'serviceAccount'>,
  node: Node,
  all: readonly UnitPlan[],
  notices: readonly PlanNotice[] = [],
): KeysPlan {
  const { serviceAccount: row } = node.layout;
  const paths = serviceAccountPaths(node);
  const units = all.filter(({ name }) => row?.verifiers.includes(name) || row?.signers.includes(name));
  // A key that was only meant to be accepted must not sign now.
  const keys = phase === 'trust' ? phase : 'all';
  return {
    kind: 'keys',
    node,
    check: { do: 'check', paths, units },
    stage: { do: 'stage', paths, certificates: undefined, keys, serviceAccount, units, notices },
  };
}

/** Plans to remove service-account keys whose grace is over, and to restart the units that verify with the others. */
export function planEndOfGrace(node: Node, all: readonly UnitPlan[]): KeysPlan {
  const { serviceAccount: row } = node.layout;
  const paths = row ? [row.publicKeyFile.path] : [];
  const units = all.filter(({ name }) => row?.verifiers.includes(name));
  return {
    kind: 'keys',
    node,
    check: { do: 'check', paths, units },
    stage: { do: 'stage', paths, certificates: undefined, keys: 'grace', serviceAccount: undefined, units },
  };
}

const makesNewLeaves = (phase: Phase): boolean => phase === 'all' || phase === 'reissue';

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
