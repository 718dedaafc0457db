import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Leaf } from './authority.ts';
import { PORTS } from './components.ts';
import { ADMIN } from './node-files.ts';
import type { SmallCluster } from './small-cluster.ts';

/** Files of a client, as described to scripts/load. */
export type Identity = { name: string; ca: string; cert: string; key: string };

/** @param leaf undefined: the files follow later */
export async function writeIdentity(folder: string, name: string, ca: string, leaf: Leaf): Promise<Identity> {
  const identity = identityIn(folder, name);
  await mkdir(join(folder, name), { recursive: true });
  await writeFile(identity.ca, ca);
  await writeFile(identity.cert, leaf.cert);
  await writeFile(identity.key, leaf.key);
  return identity;
}

export const identityIn = (folder: string, name: string): Identity => {
  const at = (file: string): string => join(folder, name, file);
  return { name, ca: at('ca.crt'), cert: at('client.crt'), key: at('client.key') };
};

/**
 * Writes the description of the small cluster for scripts/load. Its client `old` exists, and its client `new` follows
 * later.
 */
export async function describeCluster(
  { nodes, cas }: SmallCluster,
  folder: string,
  programs: string,
): Promise<string> {
  const old = await writeIdentity(folder, 'old', cas.kubernetes.pem, cas.kubernetes.issue(ADMIN));
  const etcd = await writeIdentity(folder, 'etcd-old', cas.etcd.pem, cas.etcd.issue([['CN', 'etcd']]));
  const path = join(folder, 'cluster.json');
  const description = {
    nodes: nodes.map(({ name, address }) => ({
      name,
      address,
      ports: {
        'kube-apiserver': PORTS.api,
        etcd: PORTS.etcd,
        'etcd-peer': PORTS.etcdPeer,
        'kube-controller-manager': PORTS.controllerManager,
        'kube-scheduler': PORTS.scheduler,
      },
    })),
    identities: [old, identityIn(folder, 'new')],
    etcd: [etcd],
    authorities: { old: old.ca, new: identityIn(folder, 'new').ca, etcd: etcd.ca },
    programs,
  };
  await writeFile(path, JSON.stringify(description, undefined, 2));
  return path;
}
