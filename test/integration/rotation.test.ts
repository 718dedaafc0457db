import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { presentedCertificate } from '../../src/services/presented.ts';
import type { TestNode } from '../fakes/node.ts';
import { clusterStatus, openstack, settledStatus, stackStatus } from './real-cloud.ts';
import { type RealCluster, startRealCluster } from './real-cluster.ts';

/**
 * The project's purpose, with real services: the owner runs `openstack coe ca rotate`, and minutes later every node
 * serves new certificates and the cluster is UPDATE_COMPLETE.
 */
let cluster: RealCluster;
beforeAll(async () => {
  cluster = await startRealCluster('rotation', 'rsa-4096');
});
afterAll(async () => {
  await cluster.close();
});

async function certificate(node: TestNode, path: string): Promise<X509Certificate> {
  return new X509Certificate(await node.read(path));
}

/** The CA that Magnum serves, as the ordinary client shows it. */
async function servedCa(): Promise<X509Certificate> {
  return new X509Certificate(await openstack('coe', 'ca', 'show', cluster.uuid));
}

const MASTER_LEAVES = [
  ['/etc/kubernetes/certs/server', '/etc/kubernetes/certs/ca.crt'],
  ['/etc/kubernetes/certs/kubelet', '/etc/kubernetes/certs/ca.crt'],
  ['/etc/kubernetes/certs/proxy', '/etc/kubernetes/certs/ca.crt'],
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
    const master = cluster.node('master-0');
    const worker = cluster.node('worker-0');
    const oldServer = await certificate(master, '/etc/kubernetes/certs/server.crt');
    expect(oldServer.verify(before.publicKey)).toBe(true);

    await openstack('coe', 'ca', 'rotate', cluster.uuid);
    expect(await settledStatus(async () => await clusterStatus(cluster.uuid))).toBe('UPDATE_COMPLETE');
    expect(await stackStatus(cluster.stack)).toBe('UPDATE_COMPLETE');

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

test('afterwards the nodes report that all is well, and no work is left', async () => {
  for (const name of ['master-0', 'worker-0']) {
    expect((await cluster.node(name).agent('certs')).code).toBe(0);
    expect(await cluster.deployments(name)).toMatchObject([
      { state: 'signalled', outcome: { statusCode: 0 } },
      { state: 'signalled', outcome: { statusCode: 0 } },
    ]);
  }
});
