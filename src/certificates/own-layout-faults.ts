import type { CaType } from './layout.ts';
import { sameCa } from './trusted.ts';
import type { FileText, RoleText } from './own-layout-rows.ts';

export type Fault = { path: (string | number)[]; message: string };

/** Finds faults of a role that a schema cannot express: dangling references, duplicate names and duplicate files. */
export function faultsOf(role: RoleText): Fault[] {
  const { authorities, certificates, kubeconfigs, service_account: pair, units, revocation_lists } = role;
  const faults: Fault[] = [];
  const refer = (path: Fault['path'], why: string | undefined): void => {
    if (why !== undefined) faults.push({ path, message: why });
  };
  const noCa = (ca: CaType): string | undefined =>
    authorities.some((row) => row.ca === ca) ? undefined : `there is no authority ${ca} in this role`;
  const noCertificate = (name: string): string | undefined =>
    certificates.some((row) => row.name === name)
      ? undefined
      : `there is no certificate ${name} in this role`;
  const noFile = (name: string): string | undefined =>
    noCertificate(name) ??
    (certificates.find((row) => row.name === name)?.certificate_file === undefined
      ? `the certificate ${name} has no file`
      : undefined);

  for (const [index, { name, ca, certificate_file, key_file }] of certificates.entries()) {
    const twice = certificates.findIndex((row) => row.name === name) < index;
    refer(['certificates', index, 'name'], twice ? `the name ${name} is used twice` : undefined);
    refer(['certificates', index, 'ca'], noCa(ca));
    if ((certificate_file === undefined) !== (key_file === undefined))
      refer(
        ['certificates', index, key_file === undefined ? 'certificate_file' : 'key_file'],
        'certificate_file and key_file go together',
      );
  }
  for (const [index, { ca, certificate, by_path }] of kubeconfigs.entries()) {
    refer(['kubeconfigs', index, 'ca'], noCa(ca));
    refer(['kubeconfigs', index, 'certificate'], by_path ? noFile(certificate) : noCertificate(certificate));
  }
  for (const [index, { probe, health, stop_first = [] }] of units.entries()) {
    const later = new Set(units.slice(index + 1).map(({ unit }) => unit));
    for (const [at, name] of stop_first.entries())
      refer(
        ['units', index, 'stop_first', at],
        later.has(name) ? undefined : `there is no unit ${name} after this one`,
      );
    if (probe) refer(['units', index, 'probe', 'presents'], noFile(probe.presents));
    if (health?.as !== undefined) refer(['units', index, 'health', 'as'], noFile(health.as));
  }
  for (const key of ['verifiers', 'signers'] as const)
    for (const [index, name] of (pair?.[key] ?? []).entries())
      refer(
        ['service_account', key, index],
        units.some(({ unit }) => unit === name) ? undefined : `there is no unit ${name} in this role`,
      );
  for (const [index, { ca, single }] of authorities.entries())
    refer(
      ['authorities', index, 'single'],
      single && !authorities.some((row) => sameCa(row.ca, ca) && !row.single)
        ? `it cannot contain two trusted CAs: ${ca} also needs a file without "single"`
        : undefined,
    );
  for (const [index, { ca, unit }] of revocation_lists.entries()) {
    refer(['revocation_lists', index, 'ca'], noCa(ca));
    const isUnit = units.some((row) => row.unit === unit);
    refer(['revocation_lists', index, 'unit'], isUnit ? undefined : `there is no unit ${unit} in this role`);
  }
  return [...faults, ...filesTwice(role, pair)];
}

/** A certificate and its key may share a file; no other rows may. */
function filesTwice(
  { authorities, certificates, kubeconfigs, revocation_lists, credentials }: RoleText,
  pair: RoleText['service_account'],
): Fault[] {
  const faults: Fault[] = [];
  const taken = new Map<string, string>();
  const take = (file: FileText | undefined, owner: string, path: Fault['path']): void => {
    if (file === undefined) return;
    const at = typeof file === 'string' ? file : file.path;
    const other = taken.get(at);
    if (other !== undefined && other !== owner)
      faults.push({ path, message: `${at} is already used by ${other}` });
    taken.set(at, owner);
  };
  for (const [index, { ca, file }] of authorities.entries())
    take(file, `the authority ${ca} (${index + 1})`, ['authorities', index, 'file']);
  for (const [index, { name, certificate_file, key_file }] of certificates.entries()) {
    take(certificate_file, `the certificate ${name}`, ['certificates', index, 'certificate_file']);
    take(key_file, `the certificate ${name}`, ['certificates', index, 'key_file']);
  }
  for (const [index, { file }] of kubeconfigs.entries())
    take(file, `the kubeconfig ${index + 1}`, ['kubeconfigs', index, 'file']);
  for (const [index, { file }] of revocation_lists.entries())
    take(file, `the revocation list ${index + 1}`, ['revocation_lists', index, 'file']);
  for (const [index, { file }] of credentials.entries())
    take(file, `the credentials ${index + 1}`, ['credentials', index, 'file']);
  take(pair?.public_key_file, "the service account's public key", ['service_account', 'public_key_file']);
  take(pair?.private_key_file, "the service account's private key", ['service_account', 'private_key_file']);
  return faults;
}
