import { X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { settledStatus } from '../../integration/real-cloud.ts';
import { startLoad, writeIdentity } from './load.ts';
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
  renewKubeconfig,
} from './magnum-cluster.ts';

/**
 * A rotation by upstream's own scripts, run unmodified by the stand-in of heat-container-agent. The scripts call the
 * API server right after restarting it, so that their success depends on the machine's speed; with three masters the
 * first one fails (docs/design/stock-rotation.md). Whatever they answer, the following holds.
 */

/** Time for which the clients are observed before the rotation, and after Magnum has reported its end. */
const AROUND_MS = 60_000;

/** docs/design/stock-rotation.md has the figures of a measured run; each run writes its own to this folder. */
const FOLDER = resolve('build/stock-rotation');

const serviceAccountKeys = async (): Promise<string[]> =>
  await Promise.all(
    all
      .filter(({ role }) => role === 'master')
      .map(async (node) => await nodeFile(node, '/etc/kubernetes/certs/service_account.key')),
  );

let all: Node[];
let before: { ca: string; serviceAccountKeys: string[] };
let answered: Map<Node, Answer[]>;
beforeAll(async () => {
  await mkdir(FOLDER, { recursive: true });
  all = await nodes();
  before = { ca: await clusterCa(), serviceAccountKeys: await serviceAccountKeys() };
});

test("Heat's status follows the answers, Magnum's follows Heat's, and the effect on the clients is counted", async () => {
  const load = await startLoad(FOLDER);
  await delay(AROUND_MS);
  load.mark('rotation', 'old', 'new');
  const began = Date.now();
  await openstack('coe', 'ca', 'rotate', await clusterName());
  await renewKubeconfig();
  await writeIdentity(FOLDER, 'new');
  const status = await settledStatus(clusterStatus, 3_000_000);
  const seconds = ((Date.now() - began) / 1000).toFixed(0);
  load.mark('afterwards', 'new');
  await delay(AROUND_MS);
  process.stdout.write(`${status} after ${seconds} s\n${await load.stop()}\n`);
  answered = new Map();
  for (const node of all) answered.set(node, await answers(node, 'UPDATE'));
  const given = [...answered.values()].flat();
  expect(given.length).toBeGreaterThan(0);
  const failed = given.some(({ statusCode }) => statusCode !== 0);
  expect(status).toBe(failed ? 'ROLLBACK_COMPLETE' : 'UPDATE_COMPLETE');
});

test('a node that got a deployment has certificates of the new CA', async () => {
  const ca = await clusterCa();
  expect(ca).not.toBe(before.ca);
  const { publicKey } = new X509Certificate(ca);
  for (const [node, given] of answered) {
    if (given.length === 0) continue;
    const leaf = new X509Certificate(await nodeFile(node, '/etc/kubernetes/certs/kubelet.crt'));
    expect(leaf.verify(publicKey), node.name).toBe(true);
  }
});

test('the service-account keys stay those of the creation', async () => {
  expect(await serviceAccountKeys()).toEqual(before.serviceAccountKeys);
});
