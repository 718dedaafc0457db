import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clusterStatus, openstack, settledStatus, stackStatus } from './real-cloud.ts';
import { type RealCluster, startRealCluster } from './real-cluster.ts';

/** An operator changes the transport of a stack's servers, and the nodes follow without further action. */
let cluster: RealCluster;
beforeAll(async () => {
  cluster = await startRealCluster('repoll', 'ec-p256');
});
afterAll(async () => {
  await cluster.close();
});

/** Polls a node's way of polling until it matches. */
async function pollsWith(server: string, words: RegExp): Promise<string> {
  const end = performance.now() + 120_000;
  for (;;) {
    const { stdout } = await cluster.node(server).agent('status');
    const line = stdout.split('\n').find((one) => words.test(one));
    if (line !== undefined || performance.now() > end) return line ?? stdout;
    await delay(500);
  }
}

test.each([
  ['POLL_SERVER_CFN', 'cfn'],
  ['POLL_SERVER_HEAT', 'heat'],
  // The last one: Heat deletes the object without notice when the server gets another transport.
  ['POLL_TEMP_URL', 'request'],
])('moves the nodes to %s on a stack update, and the next rotation reaches them', async (transport, name) => {
  await openstack(
    'stack',
    'update',
    '--existing',
    '--parameter',
    `poll_transport=${transport}`,
    cluster.stack,
  );
  expect(await settledStatus(async () => await stackStatus(cluster.stack))).toBe('UPDATE_COMPLETE');
  const adopted = new RegExp(`^polls with ${name}, local, as the metadata requests since [^;]*$`);
  for (const server of ['master-0', 'worker-0']) expect(await pollsWith(server, adopted)).toMatch(adopted);

  await openstack('coe', 'ca', 'rotate', cluster.uuid);
  expect(await settledStatus(async () => await clusterStatus(cluster.uuid))).toBe('UPDATE_COMPLETE');
  const done = (await cluster.deployments('master-0')).at(-1);
  expect(done).toMatchObject({ state: 'signalled', outcome: { statusCode: 0 } });
});
