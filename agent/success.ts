import type { Material } from '../src/certificates/issue.ts';
import { fingerprint, oneCertificate } from '../src/certificates/read.ts';
import type { Outcome } from '../src/deployment/deployment.ts';
import type { UnitPlan } from '../src/services/unit.ts';
import type { Node } from './node.ts';

/** What is reported when everything has been proven. */
export function success(
  changed: readonly string[],
  material: Material | undefined,
  node: Node,
  units: readonly UnitPlan[],
  notices: readonly string[],
): Outcome {
  const { said, outputs } = material ? newCertificates(material, node) : OLD_KEYS;
  const lines = [
    `${said}, ${changed.length} files replaced:`,
    ...changed.map((path) => `  ${path}`),
    ...units.map(seen),
    ...notices,
  ];
  return { statusCode: 0, stdout: `${lines.join('\n')}\n`, stderr: '', outputs };
}

/** What is reported when units have been restarted, and nothing else. */
export const restarted = (units: readonly UnitPlan[]): Outcome => ({
  statusCode: 0,
  stdout: ['restarted:', ...units.map((unit) => `  ${seen(unit)}`), ''].join('\n'),
  stderr: '',
  outputs: {},
});

const seen = ({ unit, probe }: UnitPlan): string =>
  probe ? `${unit} presents ${probe.file} on ${probe.host}:${probe.port}` : `${unit} is active`;

const OLD_KEYS = { said: 'the service-account keys of before are in place again', outputs: {} };

function newCertificates(material: Material, node: Node): { said: string; outputs: Outcome['outputs'] } {
  const [first] = node.layout.authorities;
  const ca = fingerprint(oneCertificate((first && material.authorities.get(first.ca)) ?? '', 'the new CA'));
  const certificates = [...material.certificates].map(([name, { certificate }]) => [
    name,
    fingerprint(oneCertificate(certificate, name)),
  ]);
  return {
    said: `${certificates.length} certificates from the CA ${ca}`,
    outputs: { fingerprint: ca, certificates: Object.fromEntries(certificates) },
  };
}
