import { X509Certificate } from 'node:crypto';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clusterStatus, openstack, settledStatus, stackStatus } from './real-cloud.ts';
import { type RealCluster, startRealCluster } from './real-cluster.ts';

/**
 * A rotation fails on one node with real services: Heat rolls the stack back and sends the former inputs to the node
 * that succeeded. Both end consistent, and the next rotation repairs the cluster.
 */
let cluster: RealCluster;
beforeAll(async () => {
  cluster = await startRealCluster('roll-back', 'ec-p256');
});
afterAll(async () => {
  await cluster.close();
});

const Line = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    event: v.string(),
    deployment: v.optional(v.object({ id: v.string() })),
    changes: v.optional(v.array(v.object({ path: v.string() })), []),
  }),
);

/** Returns for each completed deployment of a master whether it has replaced the server's certificate. */
async function replacesLeaf(name: string): Promise<boolean[]> {
  const lines = (await cluster.node(name).read('/var/log/coe-agent/audit.jsonl')).trimEnd().split('\n');
  return lines
    .map((line) => v.parse(Line, line))
    .filter(({ event, deployment }) => event === 'ended' && deployment !== undefined)
    .map(({ changes }) => changes.some(({ path }) => path === '/etc/kubernetes/certs/server.crt'));
}

test('one node fails: it keeps its old certificates, and the stack reaches ROLLBACK_COMPLETE', async () => {
  const worker = cluster.node('worker-0');
  const before = await worker.read('/etc/kubernetes/pki/server.crt');
  worker.units.breakUnit('kubelet', 'fails to start');

  await openstack('coe', 'ca', 'rotate', cluster.uuid);
  expect(await settledStatus(async () => await stackStatus(cluster.stack))).toBe('ROLLBACK_COMPLETE');

  expect(await worker.read('/etc/kubernetes/pki/server.crt')).toBe(before);
  const [failed] = await cluster.deployments('worker-0');
  // Its kubelet does not start with the old files either.
  expect(failed).toMatchObject({
    state: 'signalled',
    outcome: { statusCode: 1, error: { code: 'unit', node: 'unproven' } },
  });
  expect(failed?.outcome?.stderr).toContain('kubelet');
});

test('the node that succeeded answers the roll-back without another rotation', async () => {
  const deployments = await cluster.deployments('master-0');
  expect(deployments).toMatchObject([
    { state: 'signalled', outcome: { statusCode: 0 } },
    { state: 'signalled', outcome: { statusCode: 0 } },
  ]);
  expect(await replacesLeaf('master-0')).toEqual([true, false]);
});

test('the next rotation repairs the cluster', async () => {
  cluster.node('worker-0').units.mend('kubelet');
  expect(await settledStatus(async () => await clusterStatus(cluster.uuid))).toBe('ROLLBACK_COMPLETE');

  await openstack('coe', 'ca', 'rotate', cluster.uuid);
  expect(await settledStatus(async () => await clusterStatus(cluster.uuid))).toBe('UPDATE_COMPLETE');

  const ca = new X509Certificate(await openstack('coe', 'ca', 'show', cluster.uuid));
  for (const [name, path] of [
    ['master-0', '/etc/kubernetes/certs/server.crt'],
    ['worker-0', '/etc/kubernetes/pki/server.crt'],
  ] as const) {
    const leaf = new X509Certificate(await cluster.node(name).read(path));
    expect(leaf.verify(ca.publicKey), name).toBe(true);
  }
});
