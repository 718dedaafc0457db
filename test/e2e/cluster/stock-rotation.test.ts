import { X509Certificate } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { settledStatus } from '../../integration/real-cloud.ts';
import {
  clusterCa,
  clusterName,
  clusterStatus,
  kubectl,
  type Node,
  nodeFile,
  nodes,
  openstack,
  renewKubeconfig,
} from './magnum-cluster.ts';

/** A rotation by upstream's own scripts, which the stand-in of heat-container-agent runs as they come. */

let all: Node[];
let before: { ca: string; serviceAccountKeys: string[] };
let after: X509Certificate;

const serviceAccountKeys = async (): Promise<string[]> =>
  await Promise.all(
    all
      .filter(({ role }) => role === 'master')
      .map(async (node) => await nodeFile(node, '/etc/kubernetes/certs/service_account.key')),
  );

beforeAll(async () => {
  all = await nodes();
  before = { ca: await clusterCa(), serviceAccountKeys: await serviceAccountKeys() };
});

test('Heat and Magnum take the answers of every node', async () => {
  await openstack('coe', 'ca', 'rotate', await clusterName());
  expect(await settledStatus(clusterStatus, 850_000)).toBe('UPDATE_COMPLETE');
  const ca = await clusterCa();
  expect(ca).not.toBe(before.ca);
  after = new X509Certificate(ca);
});

test("every node has a certificate of the new CA, and the new CA's certificate", async () => {
  for (const node of all) {
    const leaf = new X509Certificate(await nodeFile(node, '/etc/kubernetes/certs/kubelet.crt'));
    expect(leaf.verify(after.publicKey), node.name).toBe(true);
    expect(await nodeFile(node, '/etc/kubernetes/certs/ca.crt'), node.name).toContain(
      after.toString().trim(),
    );
  }
});

test('the service account keys stay those of the creation', async () => {
  expect(await serviceAccountKeys()).toEqual(before.serviceAccountKeys);
});

test('every node is Ready again for an owner with a new certificate', async () => {
  await renewKubeconfig();
  await kubectl('wait', '--for=condition=Ready', 'node', '--all', '--timeout=300s');
});
