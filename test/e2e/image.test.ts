import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import type { Cluster } from '../cloud/cluster.ts';
import { heatParamsText } from '../cloud/heat-params.ts';
import { type Machine, startMachine } from './machine.ts';
import { type BuiltPackage, buildPackage } from './package.ts';

/** An image of disk-image-create, from its first boot on, with nothing in it but what Heat hands a server. */

const CERTS = '/etc/kubernetes/certs';
const PROJECT = join(import.meta.dirname, '../..');

let folder: string;
let built: BuiltPackage;
let machine: Machine;
let cloud: Cloud;
let cluster: Cluster;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coe-image-'));
  [built, cloud] = await Promise.all([buildPackage(), startCloud()]);
  cluster = await cloud.createCluster({ name: 'k1', servers: [{ name: 'worker-0', role: 'worker' }] });
  const image = join(folder, 'node.tar');
  await execa('scripts/image', ['install'], { cwd: PROJECT });
  await execa('scripts/image', ['build', image], {
    cwd: PROJECT,
    env: { DIB_COE_AGENT_TARBALL: built.tarball },
  });
  await handed();
  machine = await startMachine('--image', image, '--with', join(folder, 'handed'));
}, 1_200_000);
afterAll(async () => {
  await machine?.close();
  await cloud?.close();
  await built?.close();
  await rm(folder, { recursive: true, force: true });
});

/** A unit of the cluster's: it does not start without its certificate, and says which one it has. */
const standIn = (name: string): string => `[Service]
ExecStartPre=/bin/sh -c "while [ -e /run/${name}-waits ]; do sleep 0.1; done"
ExecStart=/bin/sh -c "cat ${CERTS}/kubelet.key >/run/${name}-has && exec sleep infinity"
`;

async function handed(): Promise<void> {
  const unasked = { prove: false, health: false };
  const config = {
    collectors: ['heat'],
    heat: cluster.collectConfig('worker-0').heat,
    poll: { min_seconds: 0.2, max_seconds: 0.5 },
    keys: 'ec-p256',
    services: { settle_seconds: 0.5, units: { kubelet: unasked } },
  };
  const files: Record<string, [string, number]> = {
    'etc/sysconfig/heat-params': [heatParamsText(cluster.heatParams('worker')), 0o600],
    'etc/coe-agent/agent.yaml': [stringify(config), 0o600],
    'etc/systemd/system/kubelet.service': [standIn('kubelet'), 0o644],
    'etc/systemd/system/kube-proxy.service': [standIn('kube-proxy'), 0o644],
  };
  for (const [path, [text, mode]] of Object.entries(files)) {
    const at = join(folder, 'handed', path);
    await mkdir(dirname(at), { recursive: true });
    await writeFile(at, text, { mode });
  }
  const wants = join(folder, 'handed/etc/systemd/system/multi-user.target.wants');
  await mkdir(wants);
  for (const name of ['kubelet.service', 'kube-proxy.service'])
    await symlink(`../${name}`, join(wants, name));
}

const property = async (name: string, unit = 'coe-agent.service'): Promise<string> =>
  await machine.run('systemctl', 'show', '--value', `--property=${name}`, unit);
const agent = async (verb: string): Promise<string> => await machine.run('/usr/local/bin/agent', verb);
const read = async (path: string): Promise<string> => await machine.run('cat', path);

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + 120_000;
  while (!(await holds())) {
    const said = async (): Promise<string> =>
      await machine.run('journalctl', '--no-pager', '-o', 'cat', '-u', 'coe-*');
    if (performance.now() > until) throw new Error(`gave up waiting for ${what}:\n${await said()}`);
    await sleep(200);
  }
}

async function expectWhole(ca: string): Promise<void> {
  const leaf = new X509Certificate(await read(`${CERTS}/kubelet.crt`));
  expect(leaf.verify(new X509Certificate(ca).publicKey)).toBe(true);
  expect(await read('/run/kubelet-has')).toBe(await read(`${CERTS}/kubelet.key`));
}

test('the first boot makes the first certificates before the units that want them, and the daemon is active', async () => {
  await eventually('the service to be active', async () => (await property('ActiveState')) === 'active');
  expect(await property('Result', 'coe-agent-make-cert.service')).toBe('success');
  expect(await property('NRestarts', 'kubelet.service')).toBe('0');
  await expectWhole(cluster.ca.kubernetes);
  for (const unit of ['kubelet.service', 'kube-proxy.service'])
    expect(await property('ActiveState', unit)).toBe('active');
});

test('it has neither Node nor npm, and nothing of os-collect-config', async () => {
  expect(
    await machine.run('sh', '-c', 'command -v node npm os-collect-config os-refresh-config || true'),
  ).toBe('');
});

test('status, certs and doctor are content', async () => {
  expect(await agent('certs')).toMatch(/kubelet\.crt .* good/);
  await agent('status');
  await agent('doctor');
});

test('a rotation', async () => {
  await cloud.rotateCa(cluster);
  expect(await cloud.settled(cluster, 120_000)).toBe('UPDATE_COMPLETE');
  await expectWhole(cluster.ca.kubernetes);
});

test('switched off in the middle of a rotation and booted again, the node is whole, and Heat is answered', async () => {
  await machine.run('touch', '/run/kubelet-waits');
  await cloud.rotateCa(cluster);
  await eventually(
    'the restart',
    async () => (await property('ActiveState', 'kubelet.service')) === 'activating',
  );
  await machine.run('sh', '-c', `kill -KILL ${await property('MainPID')}`);
  await machine.reboot();
  expect(await cloud.settled(cluster, 120_000)).toBe('UPDATE_COMPLETE');
  await expectWhole(cluster.ca.kubernetes);
});
