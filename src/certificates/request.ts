import { AgentError } from '../base/errors.ts';
import type {
  CaType,
  CertificateRow,
  ExtendedKeyUsage,
  KeyUsage,
  RoleLayout,
  SubjectAttribute,
} from './layout.ts';
import { familyOf, fill, keysOf, type Values } from './template.ts';

/** A row of a layout with this node's values: the exact request to the CA. */
export type CertificateRequest = {
  name: string;
  ca: CaType;
  subject: readonly (readonly [SubjectAttribute, string])[];
  /** IP addresses and DNS names. */
  names: readonly string[];
  keyUsage: readonly KeyUsage[];
  extendedKeyUsage: readonly ExtendedKeyUsage[];
};

/** Returns the heat-params keys that a role's subjects require. */
export const requiredKeys = (role: RoleLayout): string[] =>
  role.certificates.flatMap((row) => row.subject.flatMap(([, value]) => keysOf(value)));

export const requestsOf = (role: RoleLayout, values: Values): CertificateRequest[] =>
  role.certificates.map((row) => requestOf(row, values));

function requestOf(row: CertificateRow, values: Values): CertificateRequest {
  // The trailing dot of an absolute name is not part of a DNS name in a certificate (RFC 5280, 4.2.1.6; RFC 1034, 3.5).
  const names = row.names
    .map((name) => fill(name, values).trim().replace(/\.$/, ''))
    .filter((name) => name !== '');
  for (const name of names) checkName(name, row.name);
  return {
    name: row.name,
    ca: row.ca,
    subject: row.subject.map(([attribute, value]) => [attribute, fill(value, values)] as const),
    names: [...new Set(names)],
    keyUsage: row.keyUsage,
    extendedKeyUsage: row.extendedKeyUsage,
  };
}

/** Rejects a name that is neither an address nor a host name: the CA would refuse it or, worse, sign it. */
function checkName(name: string, row: string): void {
  if (familyOf(name) === 0 && !/^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$/.test(name))
    throw new AgentError(
      'bad-heat-params',
      `the certificate ${row} cannot be for ${JSON.stringify(name)}: neither an address nor a host name`,
    );
}
