import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startCloud, type Cloud } from '../cloud/cloud.ts';
import type { Cluster } from '../cloud/cluster.ts';
import { serviceAccountParameters } from '../cloud/generation.ts';
import { createKeyPool } from '../cloud/key-pool.ts';
import { createNode, type TestNode } from '../fakes/node.ts';
import { askUnits } from './socket-systemctl.ts';
import { type Entry, readTree } from './tree.ts';

export type LayoutName = 'kubernetes-certs' | 'kubernetes-pki';

/** A node with certificates of an old CA and a cloud that wants them replaced. */
export type Case = {
  layout: LayoutName;
  cloud: Cloud;
  cluster: Cluster;
  node: TestNode;
  /** The certificates, keys and kubeconfigs as they were before. */
  old: Map<string, Entry>;
  /** The service-account keys that the rotation brings. */
  serviceAccount: { publicKey: string; privateKey: string };
  /** Asks for another rotation, with other service-account keys. */
  rotate(): void;
  close(): Promise<void>;
};

/** Where cases come from: one cloud, and one set of old certificates for each layout. */
export type Bench = {
  cloud: Cloud;
  createCase(layout: LayoutName): Promise<Case>;
  /** A node that has no certificates yet, and of which nobody wants anything. */
  createFresh(layout: LayoutName): Promise<{ layout: LayoutName; cluster: Cluster; node: TestNode }>;
  close(): Promise<void>;
};

const SERVERS = [{ name: 'master-0', role: 'master' }] as const;
const USERS = 'root:x:0:0::/:/bin/sh\nkube:x:301:301::/:/bin/false\netcd:x:302:302::/:/bin/false\n';
const GROUPS = 'root:x:0:\nkube:x:301:\nkube_etcd:x:303:\n';
/** What holds certificates, keys and kubeconfigs on a node. */
const FOLDERS = ['kubernetes', 'etcd'] as const;

const run = promisify(execFile);

export async function createBench(): Promise<Bench> {
  // Nothing here is about the speed of a disk, and a rotation syncs a hundred times.
  if (existsSync('/dev/shm')) process.env['TMPDIR'] = '/dev/shm';
  const store = await mkdtemp(join(tmpdir(), 'coe-crash-'));
  process.env['NODE_COMPILE_CACHE'] = join(store, 'compiled');
  const cloud = await startCloud();
  const keys = createKeyPool(2);
  const parameters = await serviceAccountParameters(keys);
  const nextParameters = await serviceAccountParameters(keys);
  const pem = (name: string): string => (parameters[name] ?? '').replaceAll(String.raw`\n`, '\n');
  const serviceAccount = {
    publicKey: pem('kube_service_account_key'),
    privateKey: pem('kube_service_account_private_key'),
  };
  let made = 0;

  const prepare = async (layout: LayoutName): Promise<{ cluster: Cluster; node: TestNode }> => {
    made += 1;
    const cluster = await cloud.createCluster({ name: `k${made}`, servers: SERVERS, keys: 'ec' });
    const node = await createNode({
      role: 'master',
      layout,
      heatParams: cluster.heatParams('master'),
      collectConfig: cluster.collectConfig('master-0'),
    });
    await node.write('/etc/passwd', USERS);
    await node.write('/etc/group', GROUPS);
    return { cluster, node };
  };

  const makeOld = async (layout: LayoutName): Promise<string> => {
    const { node } = await prepare(layout);
    const { code, stderr } = await node.agent('make-cert');
    if (code !== 0) throw new Error(`make-cert: ${stderr}`);
    const folder = join(store, layout);
    await run('cp', ['-a', join(node.root, 'etc'), folder]);
    await node.close();
    return folder;
  };
  const olds = new Map<LayoutName, Promise<string>>();

  return {
    cloud,
    createCase: async (layout) => {
      const old = olds.get(layout) ?? makeOld(layout);
      olds.set(layout, old);
      const saved = await old;
      const { cluster, node } = await prepare(layout);
      for (const name of FOLDERS.map((folder) => join(saved, folder)))
        if (existsSync(name)) await run('cp', ['-a', name, join(node.root, 'etc')]);
      for (const unit of unitsOf(layout)) await askUnits(join(node.root, 'run/units.sock'), 'restart', unit);
      cluster.stack.update(parameters);
      return {
        layout,
        cloud,
        cluster,
        node,
        serviceAccount,
        old: await readManaged(node.root),
        rotate: () => {
          cluster.stack.update(nextParameters);
        },
        close: async () => {
          await node.close();
        },
      };
    },
    createFresh: async (layout) => ({ layout, ...(await prepare(layout)) }),
    close: async () => {
      await cloud.close();
      // A program that was killed may leave a child that still writes its compile cache.
      await rm(store, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

/** The units of a master that serve TLS. */
export const unitsOf = (layout: LayoutName): string[] =>
  layout === 'kubernetes-certs' ? ['etcd', 'kube-apiserver', 'kubelet'] : ['kube-apiserver', 'kubelet'];

export async function readManaged(root: string): Promise<Map<string, Entry>> {
  const trees = await Promise.all(FOLDERS.map(async (folder) => await readTree(root, `/etc/${folder}`)));
  return new Map(trees.flatMap((tree) => [...tree]));
}
