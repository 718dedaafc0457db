import type { KeyAlgorithm } from '../src/certificates/key.ts';
import type { CaType } from '../src/certificates/layout.ts';
import { type CertificateRequest, requestsOf } from '../src/certificates/request.ts';
import { fill } from '../src/certificates/template.ts';
import type { RunRequest } from '../src/hooks/request.ts';
import type { GoBackOperation, RotateOperation } from '../src/operation/operation.ts';
import { planUnits, type UnitPlan } from '../src/services/unit.ts';
import type { Config } from './config.ts';
import type { Node } from './node.ts';

/** What will be done, as data: `agent plan` prints it, perform.ts carries it out. */
export type Step =
  | { do: 'log-in'; as: string; token: string | undefined }
  /** Looks for everything that would make a later step fail, before any key is made. */
  | { do: 'check'; paths: readonly string[]; units: readonly UnitPlan[] }
  | {
      do: 'issue';
      authorities: readonly CaType[];
      requests: readonly CertificateRequest[];
      algorithm: KeyAlgorithm;
    }
  | {
      do: 'stage';
      paths: readonly string[];
      serviceAccount: RotateOperation['serviceAccount'];
      /** What will be restarted afterwards: the journal has to know it before the first file is replaced. */
      units: readonly UnitPlan[];
    }
  | { do: 'replace' }
  | { do: 'restart'; unit: UnitPlan };

/** The one step of a deployment that is a script or has a hook; perform-run.ts carries it out. */
export type RunStep =
  | { do: 'run'; request: RunRequest }
  /** An earlier start of the agent has begun it. */
  | { do: 'take-up'; id: string };

/** New certificates for a node: a rotation, or with `restart: false` the first ones. */
export function planRotation(
  operation: RotateOperation,
  node: Node,
  config: Config,
  restart: boolean,
): Step[] {
  const { layout, params, values } = node;
  const { serviceAccount, keystoneToken } = operation;
  const units = restart ? unitsOf(node, config) : [];
  const paths = [...certificatePaths(node), ...(serviceAccount ? serviceAccountPaths(node) : [])];
  const trustee = `user ${params.get('TRUSTEE_USER_ID') ?? ''} with trust ${params.get('TRUST_ID') ?? ''}`;
  return [
    {
      do: 'log-in',
      as: keystoneToken === undefined ? trustee : 'the deployment, with its own token',
      token: keystoneToken,
    },
    { do: 'check', paths, units },
    {
      do: 'issue',
      authorities: layout.authorities.map(({ ca }) => ca),
      requests: requestsOf(layout, values),
      algorithm: config.keys,
    },
    { do: 'stage', paths, serviceAccount, units },
    ...fromReplaceOn(units),
  ];
}

/** Back to the service-account keys of earlier inputs; no steps where the role has none. */
export function planGoingBack({ serviceAccount }: GoBackOperation, node: Node, config: Config): Step[] {
  const paths = serviceAccountPaths(node);
  if (!serviceAccount || paths.length === 0) return [];
  const units = unitsOf(node, config);
  return [
    { do: 'check', paths, units },
    { do: 'stage', paths, serviceAccount, units },
    ...fromReplaceOn(units),
  ];
}

/** Restarts alone: every unit is proven with the certificates that the node has. */
export const planRestart = (units: readonly UnitPlan[]): Step[] => [
  { do: 'check', paths: [], units },
  ...units.map((unit): Step => ({ do: 'restart', unit })),
];

export const unitsOf = ({ layout, values }: Node, { services }: Config): UnitPlan[] =>
  planUnits(layout, (text) => fill(text, values), services.units, services);

/** What a plan ends with, and what is left of one that was interrupted after its first replaced file. */
export const fromReplaceOn = (units: readonly UnitPlan[]): Step[] => [
  { do: 'replace' },
  ...units.map((unit): Step => ({ do: 'restart', unit })),
];

const certificatePaths = ({ layout }: Node): string[] => [
  ...new Set([
    ...layout.authorities.map(({ file }) => file.path),
    ...layout.certificates.flatMap(({ files }) => (files ? [files.key.path, files.certificate.path] : [])),
    ...layout.kubeconfigs.map(({ file }) => file.path),
  ]),
];

const serviceAccountPaths = ({ layout: { serviceAccount: row } }: Node): string[] =>
  row ? [row.privateKeyFile.path, row.publicKeyFile.path] : [];

/** A step in words, for the terminal, the log and `agent plan`. */
export function describeStep(step: Step | RunStep): string {
  switch (step.do) {
    case 'log-in':
      return `log in to Keystone as ${step.as}`;
    case 'check':
      return `check the disk, the clock and ${count(step.units.length, 'unit')}`;
    case 'issue': {
      const { requests, authorities, algorithm } = step;
      return `get ${count(authorities.length, 'CA')} and ${count(requests.length, 'certificate')} (${algorithm}) from Magnum`;
    }
    case 'stage':
      return `stage the new files beside ${count(step.paths.length, 'target')}`;
    case 'replace':
      return 'put the new files in place';
    case 'restart': {
      const { unit, probe } = step.unit;
      return probe
        ? `restart ${unit} and see its new certificate on ${probe.host}:${probe.port}`
        : `restart ${unit}`;
    }
    case 'run':
      return `run ${step.request.what}, for at most ${step.request.timeoutMs / 1000} s`;
    case 'take-up':
      return 'wait for the end of the run that is under way';
  }
}

/** The particulars of a step, one line each. */
export function detailStep(step: Step | RunStep): string[] {
  switch (step.do) {
    case 'issue':
      return step.requests.map(({ name, ca, subject, names }) => {
        const san = names.length > 0 ? `; ${names.join(', ')}` : '';
        return `${name} (${ca} CA): ${subject.map((pair) => pair.join('=')).join(', ')}${san}`;
      });
    case 'stage':
      return [...step.paths];
    case 'log-in':
    case 'check':
    case 'replace':
    case 'restart':
    case 'take-up':
      return [];
    case 'run': {
      const names = step.request.environment.map(([name]) => name);
      return [`environment: ${names.join(' ')}`];
    }
  }
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
