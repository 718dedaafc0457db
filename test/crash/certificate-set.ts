import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { parseAllDocuments } from 'yaml';
import type { KubeconfigRow, Layout, RoleLayout } from '../../src/certificates/layout.ts';
import { kubeadm } from '../../src/certificates/layouts/kubeadm.ts';
import { kubernetesCerts } from '../../src/certificates/layouts/kubernetes-certs.ts';
import { kubernetesPki } from '../../src/certificates/layouts/kubernetes-pki.ts';
import { swarm } from '../../src/certificates/layouts/swarm.ts';
import type { LayoutName } from './bench.ts';
import type { Entry } from './tree.ts';

export type Files = ReadonlyMap<string, Entry>;

const LAYOUTS: Record<LayoutName, Layout> = {
  'kubernetes-certs': kubernetesCerts,
  'kubernetes-pki': kubernetesPki,
  kubeadm,
  swarm,
};
export const layoutOf = (name: LayoutName): RoleLayout => LAYOUTS[name].roles.master;

/** Kubeconfigs that the layout does not name (bench.ts writes them). */
const BESIDE: Record<LayoutName, readonly Omit<KubeconfigRow, 'user' | 'server'>[]> = {
  'kubernetes-certs': [
    {
      file: { path: '/etc/kubernetes/admin.conf', owner: '', group: '', mode: 0, directoryMode: 0 },
      create: false,
      certificate: 'admin',
      ca: 'kubelet',
    },
  ],
  'kubernetes-pki': [],
  kubeadm: [],
  swarm: [],
};

/**
 * Returns the faults of a set of certificates: a key that does not fit, a certificate not signed by the CA beside it, a
 * kubeconfig that contradicts the files. A consistent set, old or new, has none.
 *
 * @param options.several CA files may contain several; the first signs the certificates beside it
 */
export function faultsOfSet(layout: LayoutName, files: Files, { several = false } = {}): string[] {
  const role = layoutOf(layout);
  const text = (path: string): string => files.get(path)?.content ?? '';
  const faults: string[] = [];
  const attempt = (what: string, holds: () => boolean): void => {
    try {
      if (!holds()) faults.push(`${what}: no`);
    } catch (error) {
      faults.push(`${what}: ${String(error)}`);
    }
  };
  for (const row of role.certificates) {
    const holder = role.kubeconfigs.find(({ certificate }) => certificate === row.name)?.file.path ?? '';
    // An optional certificate is in all of its places on this node, or in none.
    if (row.optional === true && !files.has(row.files?.certificate.path ?? holder)) continue;
    const ca = text(caFileOf(role, row.ca));
    const alone = row.files ? undefined : embeddedIn(text(holder));
    const certificate = alone?.certificate ?? text(row.files?.certificate.path ?? '');
    const key = blocksIn(alone?.key ?? text(row.files?.key.path ?? '')).at(-1) ?? '';
    attempt(`${row.name}: the key fits`, () =>
      createPublicKey(createPrivateKey(key)).equals(new X509Certificate(certificate).publicKey),
    );
    attempt(`${row.name}: chains to the ca.crt beside it`, () =>
      new X509Certificate(certificate).verify(new X509Certificate(ca).publicKey),
    );
    for (const pem of several ? [certificate] : [ca, certificate])
      attempt(
        `${row.name}: one certificate in its file`,
        () => pem.split('-----BEGIN CERTIFICATE').length === 2,
      );
  }
  if (role.serviceAccount && files.has(role.serviceAccount.privateKeyFile.path)) {
    const { privateKeyFile, publicKeyFile } = role.serviceAccount;
    attempt('service account: the keys are a pair', () =>
      createPublicKey(createPrivateKey(text(privateKeyFile.path))).equals(
        createPublicKey(text(publicKeyFile.path)),
      ),
    );
  }
  for (const { file, ca, certificate, create, byPath } of [...role.kubeconfigs, ...BESIDE[layout]]) {
    const leaf = role.certificates.find(({ name }) => name === certificate);
    if ((!create && !files.has(file.path)) || byPath === true) continue;
    const embedded = embeddedIn(text(file.path));
    attempt(`${file.path}: its CA is that of the file`, () => same(embedded.ca, text(caFileOf(role, ca))));
    if (!leaf?.files) continue;
    attempt(`${file.path}: its certificate is that of the file`, () =>
      same(embedded.certificate, text(leaf.files?.certificate.path ?? '')),
    );
    attempt(`${file.path}: its key is that of the file`, () =>
      same(embedded.key, text(leaf.files?.key.path ?? '')),
    );
  }
  return faults;
}

export const caFileOf = (role: RoleLayout, ca: string): string =>
  role.authorities.find((row) => row.ca === ca)?.file.path ?? '';

export const blocksIn = (text: string): string[] =>
  text.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? [];

export const fingerprintOf = (pem: string): string => new X509Certificate(pem).fingerprint256;

const same = (a: string, b: string): boolean => a.trim() !== '' && a.trim() === b.trim();

/** The content that the first user and the first cluster of a kubeconfig embed. */
function embeddedIn(text: string): { ca: string; certificate: string; key: string } {
  const [document] = parseAllDocuments(text);
  const find = (...path: (string | number)[]): string => {
    const value: unknown = document?.getIn(path);
    return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : '';
  };
  return {
    ca: find('clusters', 0, 'cluster', 'certificate-authority-data'),
    certificate: find('users', 0, 'user', 'client-certificate-data'),
    key: find('users', 0, 'user', 'client-key-data'),
  };
}
