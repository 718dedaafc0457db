import { createPrivateKey, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EVENTS } from '../../agent/events.ts';
import * as v from 'valibot';
import { presentedCertificate } from '../../src/services/presented.ts';
import { type Canaries, sightings } from '../scenarios/support/canaries.ts';
import {
  clusterStatus,
  openstack,
  seed,
  type Seed,
  settledStatus,
  stackStatus,
} from '../integration/real-cloud.ts';
import { ETCD_CERTS } from './etcd-unit.ts';
import { buildImage, type Image } from './image.ts';
import { bootNode, type ImageNode, KUBERNETES_CERTS } from './image-node.ts';

/**
 * A master and a worker booted from an image of disk-image-create, which contain only the files that a real Heat and a
 * real Magnum give a server, from their first boot on.
 */

let image: Image;
let seeded: Seed;
let nodes: ImageNode[];

beforeAll(async () => {
  [image, seeded] = await Promise.all([buildImage(), seed(`image-${Date.now().toString(36)}`)]);
  nodes = await Promise.all(seeded.servers.map(async (server) => await bootNode(image, seeded, server)));
}, 1_200_000);
afterAll(async () => {
  await Promise.all((nodes ?? []).map(async ({ machine }) => await machine.close()));
  await image?.close();
});

const nodeOf = (role: Seed['servers'][number]['role']): ImageNode => {
  const name = seeded.servers.find((server) => server.role === role)?.name;
  const found = nodes.find((node) => node.name === name);
  if (!found) throw new Error(`there is no ${role}`);
  return found;
};
const onEach = async (look: (node: ImageNode) => Promise<unknown>): Promise<void> => {
  await Promise.all(nodes.map(look));
};

const rotateCa = async (): Promise<string> => await openstack('coe', 'ca', 'rotate', seeded.cluster.uuid);
const settled = async (): Promise<string> =>
  await settledStatus(async () => await clusterStatus(seeded.cluster.uuid), 300_000);

/** Expects the node's certificates to be of Magnum's present CA, and its services to have started with them. */
async function expectWhole({ read, name, etcdPort }: ImageNode): Promise<void> {
  const ca = new X509Certificate(await openstack('coe', 'ca', 'show', seeded.cluster.uuid));
  const leaf = new X509Certificate(await read(`${KUBERNETES_CERTS}/kubelet.crt`));
  const key = await read(`${KUBERNETES_CERTS}/kubelet.key`);
  expect(new X509Certificate(await read(`${KUBERNETES_CERTS}/ca.crt`)).fingerprint256).toBe(
    ca.fingerprint256,
  );
  expect(leaf.verify(ca.publicKey), name).toBe(true);
  expect(leaf.checkPrivateKey(createPrivateKey(key)), name).toBe(true);
  expect(await read('/run/kubelet-has'), name).toBe(key);
  if (name !== nodeOf('master').name) return;
  const onDisk = new X509Certificate(await read(`${ETCD_CERTS}/server.crt`));
  expect(onDisk.verify(new X509Certificate(await read(`${ETCD_CERTS}/ca.crt`)).publicKey)).toBe(true);
  expect(await presented(etcdPort)).toBe(onDisk.fingerprint256);
}

const presented = async (port: number): Promise<string> =>
  (await presentedCertificate('127.0.0.1', port, AbortSignal.timeout(10_000))).fingerprint256;

test('makes the first certificates at the first boot before the units that need them, and runs the daemon', async () => {
  await onEach(async ({ property, eventually, machine, ...node }) => {
    await eventually('the service to be active', async () => (await property('ActiveState')) === 'active');
    expect([await property('Type'), await property('NotifyAccess')]).toEqual(['notify', 'main']);
    expect(await property('Result', 'coe-agent-make-cert.service')).toBe('success');
    const failed = await machine.run('systemctl', 'list-units', '--failed', '--plain', '--no-legend');
    expect(failed.split('\n').filter((line) => /coe|etcd|kube/.test(line))).toEqual([]);
    expect(await property('NRestarts', 'kubelet.service')).toBe('0');
    await expectWhole({ property, eventually, machine, ...node });
  });
  expect(await nodeOf('master').property('NRestarts', 'etcd.service')).toBe('0');
});

test('contains neither Node nor npm, and nothing of os-collect-config', async () => {
  await onEach(async ({ machine }) => {
    const found = 'command -v node npm os-collect-config os-refresh-config || true';
    expect(await machine.run('sh', '-c', found)).toBe('');
  });
});

test('openstack coe ca rotate: stack and cluster are UPDATE_COMPLETE, etcd presents the new leaf', async () => {
  const before = await presented(nodeOf('master').etcdPort);
  await rotateCa();
  expect(await settled()).toBe('UPDATE_COMPLETE');
  expect(await stackStatus(seeded.stack.name)).toBe('UPDATE_COMPLETE');
  await onEach(expectWhole);
  expect(await presented(nodeOf('master').etcdPort)).not.toBe(before);
});

test('status, certs and doctor report no problem', async () => {
  await onEach(async ({ agent }) => {
    expect(await agent('status')).toMatch(/coe-rotate +UPDATE +signalled +ok/);
    expect(await agent('certs')).toMatch(/kubelet\.crt .* good/);
    await agent('doctor');
  });
});

const units = ['-u', 'coe-agent', '-u', 'coe-agent-make-cert'];

test('the journal describes a rotation in sentences', async () => {
  await onEach(async ({ journal }) => {
    const text = await journal(...units);
    const story = [
      'Finished coe-agent-make-cert.service',
      EVENTS.started[1],
      'Started coe-agent.service',
      EVENTS['deployment-started'][1],
      'replace the old files with the new ones',
      'restart kubelet',
      'check that the units stay up',
      'signal the result to Heat (HEAT_SIGNAL)',
    ];
    let from = 0;
    for (const words of story) {
      expect(text.slice(from), words).toContain(words);
      from = text.indexOf(words, from);
    }
    expect(text).not.toMatch(/^<\d>|^\{/m);
  });
});

const Metadata = v.object({
  deployments: v.array(v.object({ inputs: v.array(v.object({ name: v.string(), value: v.unknown() })) })),
});

test("no service's journal contains a password, a token or a line of a key", async () => {
  await onEach(async ({ name, journal, machine, read }) => {
    const canaries: Canaries = new Map();
    const server = seeded.servers.find((one) => one.name === name);
    canaries.set('trustee', seeded.heat_params['TRUSTEE_PASSWORD'] ?? '');
    canaries.set('poller', server?.os_collect_config.heat?.['password'] ?? '');
    const metadata = await openstack('stack', 'resource', 'metadata', seeded.stack.name, name);
    for (const { inputs } of v.parse(Metadata, JSON.parse(metadata)).deployments)
      for (const { name: input, value } of inputs)
        if (/password|private_key/.test(input) && typeof value === 'string') canaries.set(input, value);
    const keys = await machine.run('grep', '-rl', 'PRIVATE KEY', '/etc/kubernetes', '/etc/etcd');
    for (const path of keys.split('\n')) canaries.set(path, await read(path));
    expect([...canaries.values()]).not.toContain('');
    expect(canaries.size).toBeGreaterThan(4);
    const text = await journal();
    expect(text.length).toBeGreaterThan(5000);
    expect(sightings(new Map([['journal', text]]), canaries)).toEqual([]);
    // The start of every Keystone token.
    expect(text).not.toMatch(/gAAAAA[\w-]{20}/);
  });
});

/** Puts every node into the middle of a rotation: the last of its restarted units does not start. */
async function beginRotation(): Promise<void> {
  await onEach(async ({ machine }) => await machine.run('touch', '/run/kubelet-waits'));
  await rotateCa();
  await onEach(async ({ eventually, property }) => {
    const waits = async (): Promise<boolean> =>
      (await property('ActiveState', 'kubelet.service')) === 'activating';
    await eventually('the restart', waits);
  });
}

test('completes the rotation after a kill or a hang of the daemon in its middle', async () => {
  await beginRotation();
  const before = new Map(
    await Promise.all(nodes.map(async ({ name, property }) => [name, await property('MainPID')] as const)),
  );
  const signal = async ({ machine, name }: ImageNode, word: string): Promise<void> =>
    void (await machine.run('sh', '-c', `kill -${word} ${before.get(name)}`));
  await signal(nodeOf('worker'), 'KILL');
  await signal(nodeOf('master'), 'STOP');
  await onEach(async ({ name, eventually, property }) => {
    const another = async (): Promise<boolean> =>
      ![before.get(name), '0'].includes(await property('MainPID'));
    await eventually('another daemon', another);
  });
  expect(await nodeOf('master').journal()).toContain('Watchdog timeout');
  await onEach(async ({ machine }) => await machine.run('rm', '/run/kubelet-waits'));
  expect(await settled()).toBe('UPDATE_COMPLETE');
  await onEach(expectWhole);
});

test('completes the rotation after a shutdown of one node and a power failure of the other, and answers Heat', async () => {
  await beginRotation();
  await Promise.all([nodeOf('master').machine.reboot(), nodeOf('worker').machine.powerCut()]);
  expect(await settled()).toBe('UPDATE_COMPLETE');
  await onEach(expectWhole);
});
