import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { presentedCertificate } from '../../src/services/presented.ts';
import { createNode, type TestNode } from '../fakes/node.ts';
import { clusterStatus, openstack, type Seed, seed, settledStatus, stackStatus } from './real-cloud.ts';

/**
 * The sentence that the project is for, with the real services: the owner runs `openstack coe ca rotate`, and
 * minutes later every node serves new certificates and the cluster is UPDATE_COMPLETE.
 */
let cluster: Seed;
const nodes = new Map<string, TestNode>();
const daemons: ReturnType<TestNode['start']>[] = [];

const addresses: Record<string, Record<string, string>> = {
  master: {
    NODEGROUP_ROLE: 'master',
    INSTANCE_NAME: 'k1-master-0',
    KUBE_NODE_IP: '10.0.0.5',
    KUBE_API_PUBLIC_ADDRESS: '172.24.4.10',
    KUBE_API_PRIVATE_ADDRESS: '10.0.0.4',
    PORTAL_NETWORK_CIDR: '10.254.0.0/16',
  },
  worker: {
    NODEGROUP_ROLE: 'worker',
    INSTANCE_NAME: 'k1-worker-0',
    KUBE_NODE_IP: '10.0.0.6',
    KUBE_API_PRIVATE_ADDRESS: '10.0.0.4',
  },
};

beforeAll(async () => {
  cluster = await seed(`rotation-${Date.now().toString(36)}`);
  for (const server of cluster.servers) {
    const node = await createNode({
      role: server.role,
      layout: server.role === 'master' ? 'kubernetes-certs' : 'kubernetes-pki',
      heatParams: { ...cluster.heat_params, ...addresses[server.role] },
      collectConfig: server.os_collect_config,
      keys: 'rsa-4096',
    });
    nodes.set(server.name, node);
    const made = await node.agent('make-cert');
    expect(made.stderr).toBe('');
    expect(made.code).toBe(0);
    daemons.push(node.start('run'));
  }
});

afterAll(async () => {
  for (const daemon of daemons) {
    const ended = new Promise((resolve) => daemon.once('close', resolve));
    if (daemon.kill('SIGTERM')) await ended;
  }
  for (const node of nodes.values()) await node.close();
});

const nodeOf = (name: string): TestNode => {
  const node = nodes.get(name);
  if (!node) throw new Error(`there is no node ${name}`);
  return node;
};

async function certificate(node: TestNode, path: string): Promise<X509Certificate> {
  return new X509Certificate(await node.read(path));
}

/** The CA that Magnum serves, as the ordinary client shows it. */
async function servedCa(): Promise<X509Certificate> {
  return new X509Certificate(await openstack('coe', 'ca', 'show', cluster.cluster.uuid));
}

const MASTER_LEAVES = [
  ['/etc/kubernetes/certs/server', '/etc/kubernetes/certs/ca.crt'],
  ['/etc/kubernetes/certs/kubelet', '/etc/kubernetes/certs/ca.crt'],
  ['/etc/kubernetes/certs/admin', '/etc/kubernetes/certs/ca.crt'],
  ['/etc/etcd/certs/server', '/etc/etcd/certs/ca.crt'],
  ['/etc/etcd/certs/admin', '/etc/etcd/certs/ca.crt'],
  ['/etc/kubernetes/certs/front-proxy/server', '/etc/kubernetes/certs/front-proxy/ca.crt'],
  ['/etc/kubernetes/certs/front-proxy/admin', '/etc/kubernetes/certs/front-proxy/ca.crt'],
] as const;

test.each([1, 2])(
  'openstack coe ca rotate, time %i: every node has new certificates, the cluster is UPDATE_COMPLETE',
  async () => {
    const before = await servedCa();
    const master = nodeOf('master-0');
    const worker = nodeOf('worker-0');
    const oldServer = await certificate(master, '/etc/kubernetes/certs/server.crt');
    expect(oldServer.verify(before.publicKey)).toBe(true);

    await openstack('coe', 'ca', 'rotate', cluster.cluster.uuid);
    expect(await settledStatus(async () => await clusterStatus(cluster.cluster.uuid))).toBe(
      'UPDATE_COMPLETE',
    );
    expect(await stackStatus(cluster.stack.name)).toBe('UPDATE_COMPLETE');

    const ca = await servedCa();
    expect(ca.fingerprint256).not.toBe(before.fingerprint256);
    for (const [stem, caFile] of MASTER_LEAVES) {
      const leaf = await certificate(master, `${stem}.crt`);
      expect(leaf.verify((await certificate(master, caFile)).publicKey), stem).toBe(true);
      expect(leaf.checkPrivateKey(createPrivateKey(await master.read(`${stem}.key`))), stem).toBe(true);
    }
    const onMaster = await certificate(master, '/etc/kubernetes/certs/ca.crt');
    expect(onMaster.fingerprint256).toBe(ca.fingerprint256);
    const authorities = new Set(MASTER_LEAVES.map(([, file]) => file));
    const fingerprints = await Promise.all(
      [...authorities].map(async (file) => (await certificate(master, file)).fingerprint256),
    );
    expect(new Set(fingerprints).size).toBe(3);

    const privateKey = createPrivateKey(
      await master.read('/etc/kubernetes/certs/service_account_private.key'),
    );
    const publicKey = createPublicKey(await master.read('/etc/kubernetes/certs/service_account.key'));
    expect(createPublicKey(privateKey).equals(publicKey)).toBe(true);

    const workerLeaf = await certificate(worker, '/etc/kubernetes/pki/server.crt');
    expect(workerLeaf.verify(ca.publicKey)).toBe(true);
    const [document] = parseAllDocuments(await worker.read('/etc/kubernetes/kubelet.conf'));
    const embedded = (path: readonly (string | number)[]): string =>
      Buffer.from(String(document?.getIn(path)), 'base64').toString();
    const certificateFile = await worker.read('/etc/kubernetes/pki/server.crt');
    expect(embedded(['users', 0, 'user', 'client-certificate-data'])).toBe(certificateFile);
    expect(embedded(['users', 0, 'user', 'client-key-data'])).toBe(
      await worker.read('/etc/kubernetes/pki/server.key'),
    );
    expect(embedded(['clusters', 0, 'cluster', 'certificate-authority-data'])).toBe(
      await worker.read('/etc/kubernetes/pki/ca.crt'),
    );

    const presented = await presentedCertificate(
      '127.0.0.1',
      master.units.port('kube-apiserver'),
      AbortSignal.timeout(5000),
    );
    expect(presented.fingerprint256).toBe(
      (await certificate(master, '/etc/kubernetes/certs/server.crt')).fingerprint256,
    );
  },
);

test('afterwards the nodes say that all is well, and nothing is left to do', async () => {
  for (const node of nodes.values()) {
    expect((await node.agent('certs')).code).toBe(0);
    const status = await node.agent('status', '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({
      deployments: [{ state: 'signalled', outcome: { statusCode: 0 } }, { state: 'signalled' }],
    });
  }
});
