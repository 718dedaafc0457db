import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ClusterCa, Leaf, Subject } from './authority.ts';
import { PORTS, type SmallNode } from './components.ts';

/** The three CAs of one generation. */
export type ClusterCas = { kubernetes: ClusterCa; etcd: ClusterCa; frontProxy: ClusterCa };

export type ServiceAccountKeys = { public: string; private: string };

export const newServiceAccountKeys = (): ServiceAccountKeys => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    public: publicKey.export({ type: 'spki', format: 'pem' }),
    private: privateKey.export({ type: 'pkcs1', format: 'pem' }),
  };
};

export const ADMIN: Subject = [
  ['CN', 'admin'],
  ['O', 'system:masters'],
];

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { mode: 0o600 });
}

async function putLeaf(stem: string, { cert, key }: Leaf): Promise<void> {
  await put(`${stem}.crt`, cert);
  await put(`${stem}.key`, key);
}

/**
 * Writes every file that a master of the small cluster reads, with Magnum's subjects.
 *
 * @returns the certificate that its API server presents
 */
export async function writeNodeFiles(
  { address, folder }: SmallNode,
  { kubernetes, etcd, frontProxy }: ClusterCas,
  serviceAccount: ServiceAccountKeys,
): Promise<Leaf> {
  const at = (file: string): string => join(folder, file);
  const names = [address, '127.0.0.1', 'localhost', 'kubernetes', 'kubernetes.default.svc'];
  const server = kubernetes.issue([['CN', 'kubernetes']], names);
  await putLeaf(at('server'), server);
  await putLeaf(at('admin'), kubernetes.issue(ADMIN));
  await put(at('ca.crt'), kubernetes.pem);
  await putLeaf(at('etcd/server'), etcd.issue([['CN', 'etcd']], names));
  await put(at('etcd/ca.crt'), etcd.pem);
  await putLeaf(at('front-proxy/server'), frontProxy.issue([['CN', 'front-proxy']], names));
  await put(at('front-proxy/ca.crt'), frontProxy.pem);
  await put(at('service_account.key'), serviceAccount.public);
  await put(at('service_account_private.key'), serviceAccount.private);
  await put(at('admin.conf'), kubeconfig(`https://${address}:${PORTS.api}`, folder, 'admin'));
  return server;
}

/** @param stem of the client's certificate in the folder */
export const kubeconfig = (server: string, folder: string, stem: string): string => `apiVersion: v1
kind: Config
current-context: default
clusters: [{name: k1, cluster: {server: '${server}', certificate-authority: ${folder}/ca.crt}}]
contexts: [{name: default, context: {cluster: k1, user: ${stem}}}]
users: [{name: ${stem}, user: {client-certificate: ${folder}/${stem}.crt, client-key: ${folder}/${stem}.key}}]
`;
