import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { expect, onTestFinished, test } from 'vitest';
import { logged } from '../scenarios/support/logged.ts';
import { createNode, type TestNode } from '../fakes/node.ts';
import { openstack, seed, settledStatus, stackStatus } from './real-cloud.ts';

/**
 * The transports over a queue or an object, with real services: Heat writes deployments there, and reads the answers.
 * The agent is the real one.
 */

/** Magnum's additional values in heat-params. */
const FACTS = {
  NODEGROUP_ROLE: 'master',
  INSTANCE_NAME: 'k1-master-0',
  KUBE_NODE_IP: '10.0.0.5',
  KUBE_API_PUBLIC_ADDRESS: '172.24.4.10',
  KUBE_API_PRIVATE_ADDRESS: '10.0.0.4',
  PORTAL_NETWORK_CIDR: '10.254.0.0/16',
};

const Section = v.record(v.string(), v.string());

type RealNode = { node: TestNode; uuid: string; stack: string; polling: Record<string, unknown> };

/** Makes a master whose deployments act on CREATE too: its stack waits for its first answer. */
async function master(name: string, poll: string, signal: string): Promise<RealNode> {
  const options = [
    '--servers',
    'master-0:master',
    '--actions',
    'CREATE,UPDATE',
    '--poll',
    poll,
    '--signal',
    signal,
  ];
  const made = await seed(`${name}-${Date.now().toString(36)}`, ...options);
  const [server] = made.servers;
  if (!server) throw new Error('the cluster has no server');
  const heatParams = { ...made.heat_params, ...FACTS };
  const node = await createNode({ role: 'master', layout: 'kubernetes-pki', heatParams, keys: 'ec-p256' });
  onTestFinished(node.close);
  const polling = server.os_collect_config;
  // The API of the node has no certificate before its first restart: the master could not ask whether it is alone.
  await node.configure({ ...polling, rotation: { phase: 'all' } });
  const first = await node.agent('make-cert');
  if (first.code !== 0) throw new Error(`make-cert: ${first.stdout}${first.stderr}`);
  return { node, uuid: made.cluster.uuid, stack: made.stack.name, polling };
}

function daemonOf(node: TestNode): { log(): string } {
  const daemon = node.start('run');
  let log = '';
  daemon.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  onTestFinished(async () => {
    const ended = once(daemon, 'close');
    if (daemon.kill('SIGTERM')) await ended;
  });
  return { log: () => log };
}

/** Rotates the CA, and waits until the stack is idle. */
async function rotated({ uuid, stack }: RealNode): Promise<string> {
  // Magnum follows its stack after a while, and accepts no other request before.
  const clusterStatus = async (): Promise<string> =>
    await openstack('coe', 'cluster', 'show', uuid, '-f', 'value', '-c', 'status');
  expect(await settledStatus(clusterStatus)).toMatch(/_COMPLETE$/);
  await openstack('coe', 'ca', 'rotate', uuid);
  return await settledStatus(async () => await stackStatus(stack));
}

test.each([
  ['ZAQAR_MESSAGE', 'ZAQAR_SIGNAL'],
  ['POLL_TEMP_URL', 'TEMP_URL_SIGNAL'],
])('creates a stack with %s and %s, and rotates its CA', async (poll, signal) => {
  const real = await master('elsewhere', poll, signal);
  daemonOf(real.node);
  expect(await settledStatus(async () => await stackStatus(real.stack))).toBe('CREATE_COMPLETE');
  expect(await rotated(real)).toBe('UPDATE_COMPLETE');
});

test("delivers a deployment through Zaqar's websocket without a poll", async () => {
  const real = await master('socket', 'ZAQAR_MESSAGE', 'ZAQAR_SIGNAL');
  await real.node.configure({
    zaqar: { ...v.parse(Section, real.polling['zaqar']), use_websockets: true },
    poll: { min_seconds: 3600, max_seconds: 3600 },
  });
  const daemon = daemonOf(real.node);
  expect(await settledStatus(async () => await stackStatus(real.stack))).toBe('CREATE_COMPLETE');
  // Notices from the start have passed: the next deployment can arrive by the socket only.
  await delay(3000);
  expect(await rotated(real)).toBe('UPDATE_COMPLETE');
  expect(logged(daemon.log(), 'retrying')).toEqual([]);
});
