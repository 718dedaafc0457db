import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { certificatesOf } from '../../../scripts/load.d/credentials.ts';
import { magnumCa, type Node, nodeFile, nodeFolder } from './magnum-cluster.ts';

/** Each folder of certificates of Magnum's scripts, with the kind of CA that signs them. */
const FOLDERS = {
  '/etc/kubernetes/certs': 'kubernetes',
  '/etc/kubernetes/certs/front-proxy': 'front-proxy',
  '/etc/etcd/certs': 'etcd',
} as const;
export type AuthorityKind = (typeof FOLDERS)[keyof typeof FOLDERS];

/** A certificate of a node. */
export type Leaf = { path: string; kind: AuthorityKind; certificate: X509Certificate; keyFits: boolean };
/** A CA file of a node. */
export type Trust = { path: string; kind: AuthorityKind; authorities: X509Certificate[] };
export type Material = { leaves: Leaf[]; trust: Trust[] };

/** Reads every certificate and every CA file of a node. */
export async function materialOf(node: Node): Promise<Material> {
  const material: Material = { leaves: [], trust: [] };
  for (const [folder, kind] of Object.entries(FOLDERS)) {
    const names = await readdir(nodeFolder(node, folder)).catch(() => []);
    for (const name of names.filter((one) => one.endsWith('.crt'))) {
      const path = join(folder, name);
      const pem = await nodeFile(node, path);
      if (name === 'ca.crt') {
        material.trust.push({ path, kind, authorities: certificatesOf(pem) });
        continue;
      }
      const certificate = new X509Certificate(pem);
      const key = createPrivateKey(await nodeFile(node, path.replace(/crt$/, 'key')));
      material.leaves.push({ path, kind, certificate, keyFits: certificate.checkPrivateKey(key) });
    }
  }
  return material;
}

/** The fingerprints of a node's certificates and CAs, to compare them over time. */
export const fingerprintsOf = ({ leaves, trust }: Material): string[] =>
  [...leaves.map(({ certificate }) => certificate), ...trust.flatMap(({ authorities }) => authorities)].map(
    ({ fingerprint256 }) => fingerprint256,
  );

/** Returns Magnum's present CA of each kind. */
export async function presentAuthorities(): Promise<Record<AuthorityKind, X509Certificate>> {
  const ca = async (kind: AuthorityKind) => new X509Certificate(await magnumCa(kind));
  return {
    kubernetes: await ca('kubernetes'),
    'front-proxy': await ca('front-proxy'),
    etcd: await ca('etcd'),
  };
}

const PUBLIC_KEY = /-----BEGIN PUBLIC KEY-----[\s\S]*?-----END PUBLIC KEY-----/g;

/**
 * Returns the service-account keys of a master: the public ones whose tokens it accepts, and the one with which it
 * signs.
 */
export async function serviceAccountKeys(
  master: Node,
): Promise<{ accepted: KeyObject[]; signing: KeyObject }> {
  const at = (name: string) => nodeFile(master, `/etc/kubernetes/certs/${name}`);
  const accepted = ((await at('service_account.key')).match(PUBLIC_KEY) ?? []).map((pem) =>
    createPublicKey(pem),
  );
  return { accepted, signing: createPublicKey(await at('service_account_private.key')) };
}
