import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CA_BUNDLE } from '../../agent/credentials/openstack-ca.ts';
import { createClusterCa } from '../cluster/authority.ts';
import { startCloud, type Cloud } from '../cloud/cloud.ts';
import type { Cluster } from '../cloud/cluster.ts';
import { serviceAccountParameters } from '../cloud/generation.ts';
import { createKeyPool } from '../cloud/key-pool.ts';
import { filesWith, newTrustee, type Trustee, trusteeOf } from '../scenarios/support/trustee.ts';
import { createNode, type TestNode } from '../fakes/node.ts';
import { layoutOf } from './certificate-set.ts';
import { createRunner, type Run } from './run.ts';
import { askUnits } from './socket-systemctl.ts';
import { type Entry, readTree } from './tree.ts';

export type LayoutName = 'kubernetes-certs' | 'kubernetes-pki' | 'kubeadm' | 'swarm';

/**
 * The work on a node: a rotation, a phase of one, the end of an old service-account key's grace, a change of
 * credentials, or one of the cloud's CA bundle.
 */
export type Work = 'all' | 'trust' | 'reissue' | 'retire' | 'grace' | 'credentials' | 'bundle';

/** A node with certificates of an old CA, or with old credentials, and a cloud that requests their replacement. */
export type Case = {
  layout: LayoutName;
  work: Work;
  /** The number of deployments answered before. */
  earlier: number;
  /** The CA files as they were before any phase. */
  formerCas: ReadonlyMap<string, Entry>;
  cloud: Cloud;
  cluster: Cluster;
  node: TestNode;
  /** The certificates, keys and kubeconfigs as they were before. */
  old: Map<string, Entry>;
  /** The credentials expected in the files afterwards, if these are to be replaced. */
  credentials: Record<string, string> | undefined;
  /** The service-account keys of the rotation. */
  serviceAccount: { publicKey: string; privateKey: string };
  /** Requests another rotation, with other service-account keys. */
  rotate(): void;
  close(): Promise<void>;
};

/** Makes cases: one cloud, and one set of old certificates for each layout. */
export type Bench = {
  cloud: Cloud;
  createCase(layout: LayoutName, work?: Work): Promise<Case>;
  /** Makes a node without certificates or requests. */
  createFresh(layout: LayoutName): Promise<{ layout: LayoutName; cluster: Cluster; node: TestNode }>;
  close(): Promise<void>;
};

const SERVERS = [{ name: 'master-0', role: 'master', inputs: { phase: 'phase' } }] as const;
const USERS = 'root:x:0:0::/:/bin/sh\nkube:x:301:301::/:/bin/false\netcd:x:302:302::/:/bin/false\n';
const GROUPS = 'root:x:0:\nkube:x:301:\nkube_etcd:x:303:\n';
/** Folders with certificates, keys and kubeconfigs. */
const OF_CERTIFICATES = ['/etc/kubernetes', '/etc/etcd', '/etc/docker', '/var/lib/kubelet'] as const;
/** ... and credentials. */
const FOLDERS = [...OF_CERTIFICATES, '/etc/sysconfig'] as const;

/** The phases that precede each work. */
const BEFORE: Record<Work, readonly string[]> = {
  all: [],
  trust: [],
  reissue: ['trust'],
  retire: ['trust', 'reissue'],
  grace: ['once', 'again'],
  credentials: [],
  bundle: [],
};

const run = promisify(execFile);

const pairIn = (from: Record<string, string>): Case['serviceAccount'] => {
  const pem = (name: string): string => (from[name] ?? '').replaceAll(String.raw`\n`, '\n');
  return {
    publicKey: pem('kube_service_account_key'),
    privateKey: pem('kube_service_account_private_key'),
  };
};

/** @param tls whether the cloud has TLS, which the work `bundle` needs */
export async function createBench({ tls = false } = {}): Promise<Bench> {
  // A rotation syncs a hundred times, and disk speed is irrelevant here.
  if (existsSync('/dev/shm')) process.env['TMPDIR'] = '/dev/shm';
  const store = await mkdtemp(join(tmpdir(), 'coe-crash-'));
  process.env['NODE_COMPILE_CACHE'] = join(store, 'compiled');
  const cloud = await startCloud({ tls });
  const keys = createKeyPool(2);
  const parameters = await serviceAccountParameters(keys);
  const nextParameters = await serviceAccountParameters(keys);
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
    if (cloud.caPem !== undefined) await node.write(CA_BUNDLE, cloud.caPem, 0o644);
    return { cluster, node };
  };

  const makeOld = async (layout: LayoutName): Promise<string> => {
    const { node } = await prepare(layout);
    // An etcd CA of its own: optional rows are made if files exist.
    if (layout === 'kubeadm')
      for (const stem of ['server', 'peer', 'healthcheck-client'])
        await node.write(`/etc/kubernetes/pki/etcd/${stem}.crt`, 'none yet');
    const { code, stderr } = await node.agent('make-cert');
    if (code !== 0) throw new Error(`make-cert: ${stderr}`);
    if (layout === 'kubernetes-certs') await writeKubeconfigs(node);
    const folder = join(store, layout);
    await copyCertificates(node.root, folder);
    await node.close();
    return folder;
  };
  const olds = new Map<LayoutName, Promise<string>>();

  return {
    cloud,
    createCase: async (layout, work = 'all') => {
      const old = olds.get(layout) ?? makeOld(layout);
      olds.set(layout, old);
      const saved = await old;
      const { cluster, node } = await prepare(layout);
      await copyCertificates(saved, node.root);
      for (const { unit } of layoutOf(layout).units)
        await askUnits(join(node.root, 'run/units.sock'), 'restart', unit);
      const formerCas = await readManaged(node.root);
      const settle = async (next: Record<string, string>): Promise<void> => {
        cluster.stack.update(next);
        const { code, stderr } = await withRunner(node.root);
        if (code !== 0) throw new Error(`what comes before ${work}: ${stderr}`);
      };
      const before = BEFORE[work];
      if (work === 'grace') await node.configure({ service_account: { grace_seconds: 0.001 } });
      for (const phase of before)
        await settle({
          ...(phase === 'again' ? nextParameters : parameters),
          ...(work === 'grace' ? {} : { phase }),
        });
      const credentials = await askForCredentials(work, cloud, cluster, node);
      if (work !== 'grace' && !credentials)
        cluster.stack.update({ ...parameters, ...(work === 'all' ? {} : { phase: work }) });
      return {
        layout,
        work,
        credentials,
        earlier: before.length,
        formerCas,
        cloud,
        cluster,
        node,
        serviceAccount: pairIn(work === 'grace' ? nextParameters : parameters),
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
      // A killed program may leave a child that still writes its compile cache.
      await rm(store, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

/**
 * Kubeconfigs outside of the layout: Magnum's scripts write one that names files, and an operator has one that embeds
 * them.
 */
async function writeKubeconfigs({ read, write }: TestNode): Promise<void> {
  const certs = '/etc/kubernetes/certs';
  const data = async (name: string): Promise<string> =>
    Buffer.from(await read(`${certs}/${name}`)).toString('base64');
  await write(
    '/etc/kubernetes/kubelet-config.yaml',
    `clusters: [{ name: k1, cluster: { certificate-authority: ${certs}/ca.crt } }]
users:
- name: kubelet
  user: { client-certificate: ${certs}/kubelet.crt, client-key: ${certs}/kubelet.key }
`,
  );
  await write(
    '/etc/kubernetes/admin.conf',
    `clusters: [{ name: k1, cluster: { certificate-authority-data: ${await data('ca.crt')} } }]
users:
- name: admin
  user: { client-certificate-data: ${await data('admin.crt')}, client-key-data: ${await data('admin.key')} }
`,
  );
}

async function copyCertificates(from: string, to: string): Promise<void> {
  for (const folder of OF_CERTIFICATES) {
    if (!existsSync(join(from, folder))) continue;
    await mkdir(dirname(join(to, folder)), { recursive: true });
    await run('cp', ['-a', join(from, folder), dirname(join(to, folder))]);
  }
}

/**
 * Writes the node's credentials to Magnum's files, and requests others or another CA bundle.
 *
 * @returns the expected content of the files; undefined for other work
 */
async function askForCredentials(
  work: Work,
  cloud: Cloud,
  cluster: Cluster,
  node: TestNode,
): Promise<Record<string, string> | undefined> {
  if (work !== 'credentials' && work !== 'bundle') return undefined;
  const params = cluster.heatParams('master');
  const filesOf = (trustee: Trustee): Record<string, string> => filesWith(trustee, params, cloud.authUrl);
  const [old, fresh] = [trusteeOf({ cluster }), newTrustee(cloud)];
  for (const [path, text] of Object.entries(filesOf(old))) await node.write(path, text);
  const bundle = `${cloud.caPem ?? ''}${createClusterCa('another cloud').pem}`;
  const values = work === 'bundle' ? { openstack_ca: bundle } : fresh;
  cloud.deploy(cluster, 'master-0', {
    resource: 'credentials',
    group: 'coe-credentials',
    inputs: Object.keys(values).map((name) => ({ name, type: 'String' })),
    values,
  });
  return work === 'bundle' ? { ...filesOf(old), [CA_BUNDLE]: bundle } : filesOf(fresh);
}

/** Makes an undisturbed run whose systemctl is not a separate process. */
async function withRunner(root: string): Promise<Run> {
  const runner = createRunner();
  try {
    return await runner.run(root);
  } finally {
    runner.close();
  }
}

/** The units of a master with TLS ports. */
export const unitsOf = (layout: LayoutName): readonly string[] => UNITS[layout];

const UNITS: Record<LayoutName, readonly string[]> = {
  'kubernetes-certs': ['etcd', 'kube-apiserver', 'kubelet'],
  'kubernetes-pki': ['kube-apiserver', 'kubelet'],
  kubeadm: ['etcd', 'kube-apiserver', 'kubelet'],
  swarm: ['docker'],
};

export async function readManaged(root: string): Promise<Map<string, Entry>> {
  const trees = await Promise.all(FOLDERS.map(async (folder) => await readTree(root, folder)));
  return new Map(trees.flatMap((tree) => [...tree]));
}
