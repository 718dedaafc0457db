import { X509Certificate } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { settledStatus } from '../../integration/real-cloud.ts';
import {
  type Answer,
  answers,
  clusterCa,
  clusterName,
  clusterStatus,
  type Node,
  nodeFile,
  nodes,
  openstack,
} from './magnum-cluster.ts';

/**
 * A rotation by upstream's own scripts, which the stand-in of heat-container-agent runs as they come. They ask the API
 * server for something right after they have restarted it, so their success depends on the machine's speed
 * (docs/design/stock-rotation.md). Whatever they answer, the following holds.
 */

let all: Node[];
let before: { ca: string; serviceAccountKeys: string[] };
let after: X509Certificate;
let answered: Map<Node, Answer[]>;

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

test('Heat makes of the answers what Magnum then shows', async () => {
  await openstack('coe', 'ca', 'rotate', await clusterName());
  const status = await settledStatus(clusterStatus, 1_500_000);
  answered = new Map();
  for (const node of all) answered.set(node, await answers(node, 'UPDATE'));
  const given = [...answered.values()].flat();
  expect(given.length).toBeGreaterThan(0);
  const failed = given.some(({ statusCode }) => statusCode !== 0);
  expect(status).toBe(failed ? 'ROLLBACK_COMPLETE' : 'UPDATE_COMPLETE');
});

test('Magnum has a new CA', async () => {
  const ca = await clusterCa();
  expect(ca).not.toBe(before.ca);
  after = new X509Certificate(ca);
});

test('a node that was asked has certificates of the new CA', async () => {
  for (const [node, given] of answered) {
    if (given.length === 0) continue;
    const leaf = new X509Certificate(await nodeFile(node, '/etc/kubernetes/certs/kubelet.crt'));
    expect(leaf.verify(after.publicKey), node.name).toBe(true);
  }
});

test('the service account keys stay those of the creation', async () => {
  expect(await serviceAccountKeys()).toEqual(before.serviceAccountKeys);
});
