import { createPrivateKey, createPublicKey, type X509Certificate } from 'node:crypto';
import { type Disk, readIfThere, readText } from '../../src/base/disk.ts';
import { explain } from '../../src/base/errors.ts';
import type { CaType, FileRow, KubeconfigRow, RoleLayout } from '../../src/certificates/layout.ts';
import { certificatesIn, fingerprint, oneCertificate, signerOf } from '../../src/certificates/read.ts';
import type { Fault } from './fault.ts';

/** One certificate file of the node, as it is on disk now. */
export type Holding = {
  file: string;
  kind: 'CA' | 'certificate' | 'kubeconfig';
  /** undefined when the file does not exist or contains no certificate. */
  fingerprint: string | undefined;
  notAfter: string | undefined;
  /** In the order of the file. Empty for a kubeconfig and for a missing or unreadable file. */
  certificates: readonly X509Certificate[];
  faults: Fault[];
};

/** Reads every certificate of the layout and every kubeconfig with a certificate, and lists their faults. */
export async function takeInventory(disk: Disk, layout: RoleLayout, now: number): Promise<Holding[]> {
  const authorities = new Map<CaType, readonly X509Certificate[]>();
  const holdings: Holding[] = [];
  for (const { ca, file, single } of layout.authorities) {
    const holding = await look(disk, file, 'CA', now, single !== true);
    const { certificates } = holding;
    if (certificates.some((certificate) => !certificate.ca)) holding.faults.push({ code: 'not-a-ca' });
    if (new Set(certificates.map(fingerprint)).size < certificates.length)
      holding.faults.push({ code: 'repeated' });
    if (single !== true) authorities.set(ca, certificates);
    holdings.push(holding);
  }
  for (const row of layout.certificates) {
    if (!row.files) continue;
    const holding = await look(disk, row.files.certificate, 'certificate', now, false);
    const [certificate] = holding.certificates;
    if (certificate) {
      if (!isSignedByOneOf(certificate, authorities.get(row.ca)))
        holding.faults.push({ code: 'wrong-issuer' });
      holding.faults.push(...(await keyFaults(disk, row.files.key, certificate)));
    }
    holdings.push(holding);
  }
  for (const row of layout.kubeconfigs) {
    const holding = await lookAtKubeconfig(disk, layout, row, authorities.get(row.ca), now);
    if (holding) holdings.push(holding);
  }
  return holdings;
}

/** Checks a kubeconfig in which this layout embeds a certificate; undefined if the node has none and needs none. */
async function lookAtKubeconfig(
  disk: Disk,
  layout: RoleLayout,
  { file, certificate: name, ca: type, create }: KubeconfigRow,
  trusted: readonly X509Certificate[] | undefined,
  now: number,
): Promise<Holding | undefined> {
  const holding = nothing(file.path, 'kubeconfig');
  const leaf = layout.certificates.find((row) => row.name === name);
  const certificate = leaf?.files?.certificate.path;
  const ca = layout.authorities.find((row) => row.ca === type && row.single !== true)?.file.path;
  const { identityIn, readSource } = await import('../../src/files/kubeconfig-contents.ts');
  const { BadKubeconfig } = await import('../../src/files/kubeconfig-document.ts');
  const read = async (path: string): Promise<string | undefined> => await readText(disk, path);
  try {
    const text = await read(file.path);
    if (!text) return create ? { ...holding, faults: [{ code: 'missing' }] } : undefined;
    const identity = identityIn(file.path, text);
    for (const [pem, path] of [
      [identity.certificate?.pem, certificate],
      [identity.ca?.pem, ca],
    ]) {
      const current = path === undefined ? undefined : await readIfThere(disk, path);
      if (pem !== undefined && current && pem.trim() !== current.toString('utf8').trim())
        holding.faults.push({ code: 'differs', path: path ?? '' });
    }
    if (leaf && !leaf.files) {
      const pem = await readSource(file.path, identity.certificate, read);
      const key = await readSource(file.path, identity.key, read);
      holding.faults.push(...pairFaults(pem, key, file.path, trusted, now));
    }
  } catch (error) {
    const line = error instanceof BadKubeconfig ? error.line : undefined;
    holding.faults.push({
      code: 'unreadable',
      why: explain(error),
      ...(line !== undefined && { line }),
    });
  }
  return holding;
}

/** Lists the faults of a certificate that only its kubeconfig embeds or names. */
function pairFaults(
  pem: string | undefined,
  key: string | undefined,
  path: string,
  trusted: readonly X509Certificate[] | undefined,
  now: number,
): Fault[] {
  if (pem === undefined || key === undefined) return [{ code: 'no-pair' }];
  const certificate = oneCertificate(pem, path);
  const faults = dateFaults(certificate, now);
  if (!isSignedByOneOf(certificate, trusted)) faults.push({ code: 'wrong-issuer' });
  try {
    if (!keyFits(key, certificate)) faults.push({ code: 'own-key-mismatch' });
  } catch {
    faults.push({ code: 'own-key-unreadable' });
  }
  return faults;
}

/** Whether one of the CAs signed the certificate. If no CA is known, it counts as signed. */
const isSignedByOneOf = (
  certificate: X509Certificate,
  trusted: readonly X509Certificate[] | undefined,
): boolean => !trusted?.length || signerOf(certificate, trusted) !== undefined;

const nothing = (file: string, kind: Holding['kind']): Holding => ({
  file,
  kind,
  fingerprint: undefined,
  notAfter: undefined,
  certificates: [],
  faults: [],
});

async function look(
  disk: Disk,
  { path }: FileRow,
  kind: Holding['kind'],
  now: number,
  /** Whether it may contain several certificates while an old CA is trusted besides the new one. */
  several: boolean,
): Promise<Holding> {
  const holding = nothing(path, kind);
  try {
    const content = await readText(disk, path);
    if (content === undefined) {
      holding.faults.push({ code: 'missing' });
      return holding;
    }
    const [first = oneCertificate(content, path), ...others] = certificatesIn(content, path);
    if (!several && others.length > 0) oneCertificate(content, path);
    holding.fingerprint = fingerprint(first);
    holding.notAfter = first.validToDate.toISOString();
    holding.certificates = [first, ...others];
    holding.faults.push(...dateFaults(first, now));
  } catch (error) {
    holding.faults.push({ code: 'unreadable', why: explain(error) });
  }
  return holding;
}

const dateFaults = (certificate: X509Certificate, now: number): Fault[] => [
  ...(now > certificate.validToDate.getTime() ? [{ code: 'expired' } as const] : []),
  ...(now < certificate.validFromDate.getTime() ? [{ code: 'not-yet-valid' } as const] : []),
];

/** @throws when the PEM is not a key */
const keyFits = (pem: string | Buffer, certificate: X509Certificate): boolean =>
  createPublicKey(createPrivateKey(pem)).equals(certificate.publicKey);

async function keyFaults(disk: Disk, { path }: FileRow, certificate: X509Certificate): Promise<Fault[]> {
  try {
    const pem = await readIfThere(disk, path);
    if (pem === undefined) return [{ code: 'key-missing', path }];
    return keyFits(pem, certificate) ? [] : [{ code: 'key-mismatch', path }];
  } catch {
    return [{ code: 'key-unreadable', path }];
  }
}
