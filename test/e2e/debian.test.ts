import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import type { Cluster } from '../cloud/cluster.ts';
import { heatParamsText } from '../cloud/heat-params.ts';
import { asRoot, type Machine, startMachine } from './machine.ts';
import { type BuiltPackage, buildPackage, installIn } from './package.ts';
import { workerConfig } from './worker-config.ts';

/** The Debian package under dpkg, from its installation to its purge, on a working node. */

const AGENT = 'coe-agent.service';
const OLD = 'os-collect-config.service';

let machine: Machine;
let cloud: Cloud;
let cluster: Cluster;
let built: BuiltPackage;
/** The built package, and the same with an older version. */
let [current, older] = ['', ''];

beforeAll(async () => {
  [machine, cloud, built] = await Promise.all([startMachine(), startCloud(), buildPackage()]);
  cluster = await cloud.createCluster({ name: 'k1', servers: [{ name: 'worker-0', role: 'worker' }] });
  await machine.write('/etc/sysconfig/heat-params', heatParamsText(cluster.heatParams('worker')), '0600');
  await machine.write('/etc/coe-agent/agent.yaml', workerConfig(cluster), '0600');
  const waits = 'ExecStartPre=/bin/sh -c "while [ -e /run/kubelet-waits ]; do sleep 0.1; done"';
  await machine.unit('kubelet', { Service: ['Type=exec', waits, 'ExecStart=/bin/sleep infinity'] });
  await machine.unit('kube-proxy', { Service: ['Type=exec', 'ExecStart=/bin/sleep infinity'] });
  await machine.run('systemctl', 'start', 'kubelet', 'kube-proxy');
  current = await intoMachine(built.debian);
  older = await intoMachine(await asOlder(built));
});
afterAll(async () => {
  await cloud?.close();
  await machine?.close();
  await built?.close();
});

/** Rebuilds the package with another version in every place that contains it. */
async function asOlder({ folder, debian }: BuiltPackage): Promise<string> {
  const unpacked = await mkdtemp(join(folder, 'older-'));
  await execa('dpkg-deb', ['--raw-extract', debian, unpacked]);
  const version = (await readFile(join(unpacked, 'opt/coe-agent/VERSION'), 'utf8')).trim();
  for (const path of ['opt/coe-agent/VERSION', 'DEBIAN/control', 'DEBIAN/preinst']) {
    const text = await readFile(join(unpacked, path), 'utf8');
    await writeFile(join(unpacked, path), text.replaceAll(version, '0.0.1'));
  }
  await execa('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z1', '--build', unpacked, `${unpacked}.deb`]);
  await rm(unpacked, { recursive: true });
  return `${unpacked}.deb`;
}

async function intoMachine(deb: string): Promise<string> {
  const name = deb.split('/').at(-1) ?? '';
  const [program, ...args] = [...asRoot, 'cp', deb, join(machine.root, 'root', name)] as const;
  await execa(program, args);
  return `/root/${name}`;
}

const dpkg = async (...args: string[]): Promise<string> => await machine.run('dpkg', ...args);
const version = async (): Promise<string> =>
  await machine.run('dpkg-query', '--show', '--showformat=${db:Status-Status} ${Version}', 'coe-agent');
const property = async (name: string, unit = AGENT): Promise<string> =>
  await machine.run('systemctl', 'show', '--value', `--property=${name}`, unit);

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + 120_000;
  while (!(await holds())) {
    if (performance.now() > until)
      throw new Error(
        `gave up waiting for ${what}:\n${await machine.run('journalctl', '--no-pager', '-o', 'cat', '-u', 'coe-*')}`,
      );
    await sleep(100);
  }
}

const active = async (): Promise<void> => {
  await eventually('the service to be active', async () => (await property('ActiveState')) === 'active');
};

/** Every file below these folders with its hash, owner and mode. */
const tree = async (...folders: string[]): Promise<string> =>
  await machine.run(
    'sh',
    '-c',
    'find "$@" -type f | sort | while read f; do sha256sum "$f"; stat -c "%U %G %a" "$f"; done',
    'sh',
    ...folders,
  );
const certificates = async (): Promise<string> => await tree('/etc/kubernetes');

/** Starts a rotation and holds it at its last restart. */
async function beginRotation(): Promise<void> {
  await machine.run('touch', '/run/kubelet-waits');
  await cloud.rotateCa(cluster);
  await eventually(
    'the restart',
    async () => (await property('ActiveState', 'kubelet.service')) === 'activating',
  );
}

test('makes the first certificates when installed, is active, and rotates', async () => {
  await dpkg('--install', older);
  expect(await version()).toBe('installed 0.0.1');
  await active();
  expect(await property('Result', 'coe-agent-make-cert.service')).toBe('success');
  await cloud.rotateCa(cluster);
  expect(await cloud.settled(cluster, 120_000)).toBe('UPDATE_COMPLETE');
});

test('keeps configuration and state in an upgrade in the middle of a rotation, which the new version answers', async () => {
  const before = await tree('/etc/coe-agent', '/var/lib/coe-agent/deployments');
  await beginRotation();
  const upgrade = dpkg('--install', current);
  await eventually('the stop', async () => (await property('ActiveState')) === 'deactivating');
  await machine.run('rm', '/run/kubelet-waits');
  await upgrade;
  expect(await cloud.settled(cluster, 120_000)).toBe('UPDATE_COMPLETE');
  expect(await version()).not.toContain('0.0.1');
  await active();
  const after = await tree('/etc/coe-agent', '/var/lib/coe-agent/deployments');
  for (const line of before.split('\n')) expect(after).toContain(line);
  expect(await machine.run('systemctl', 'is-failed', 'kubelet').catch(() => 'fine')).toBe('fine');
});

test("neither kills nor repeats a deployment's script that runs during an upgrade, and answers it", async () => {
  cloud.deploy(cluster, 'worker-0', {
    config:
      '#!/bin/sh\necho ran >>/root/ran\ntouch /run/runs\nuntil [ -e /run/may-end ]; do sleep 0.1; done\n',
  });
  await machine.run('timeout', '120', 'sh', '-c', 'until [ -e /run/runs ]; do sleep 0.1; done');
  await dpkg('--install', current);
  await eventually('the new daemon', async () => (await property('SubState')) === 'start');
  await machine.run('touch', '/run/may-end');
  const status = await cloud.settled(cluster, 120_000);
  expect(status, JSON.stringify(cloud.signals)).toBe('UPDATE_COMPLETE');
  expect(await machine.run('cat', '/root/ran')).toBe('ran');
});

test('refuses an older version with the reason, and keeps the present one running; COE_AGENT_DOWNGRADE=yes overrides this', async () => {
  const before = await version();
  await expect(dpkg('--install', older)).rejects.toThrow('0.0.1 may not be able to read its records');
  expect(await version()).toBe(before);
  await active();
  await machine.run('env', 'COE_AGENT_DOWNGRADE=yes', 'dpkg', '--install', older);
  expect(await version()).toBe('installed 0.0.1');
  await active();
  await cloud.rotateCa(cluster);
  expect(await cloud.settled(cluster, 120_000)).toBe('UPDATE_COMPLETE');
  await dpkg('--install', current);
  await active();
});

test('setup does not remove dpkg’s files', async () => {
  await expect(machine.run('/opt/coe-agent/setup', 'remove')).rejects.toThrow('apt-get remove coe-agent');
  await active();
});

test('keeps a unit disabled over an upgrade that an administrator has disabled', async () => {
  await machine.run('systemctl', 'disable', '--now', AGENT);
  await dpkg('--install', current);
  expect([await property('ActiveState'), await property('UnitFileState')]).toEqual(['inactive', 'disabled']);
  await machine.run('systemctl', 'enable', '--now', AGENT);
});

test('returns the node to the migrated os-collect-config when removed, and keeps certificates and state', async () => {
  await machine.run('systemctl', 'disable', '--now', AGENT);
  await machine.unit('os-collect-config', {
    Service: ['ExecStart=/bin/sleep infinity'],
    Install: ['WantedBy=multi-user.target'],
  });
  await machine.run('systemctl', 'enable', '--now', OLD);
  await machine.run('/usr/bin/agent', 'migrate');
  await active();
  expect(await property('UnitFileState')).toBe('enabled');
  expect([await property('ActiveState', OLD), await property('UnitFileState', OLD)]).toEqual([
    'inactive',
    'disabled',
  ]);
  const [before, state] = [await certificates(), await tree('/var/lib/coe-agent/deployments')];
  await dpkg('--remove', 'coe-agent');
  await eventually('the predecessor', async () => (await property('ActiveState', OLD)) === 'active');
  expect([await property('ActiveState', OLD), await property('UnitFileState', OLD)]).toEqual([
    'active',
    'enabled',
  ]);
  expect(await property('LoadState')).toBe('not-found');
  expect(
    await machine.run('sh', '-c', 'ls -d /opt/coe-agent /usr/bin/agent /usr/bin/coe-agent || true'),
  ).toBe('');
  expect(await certificates()).toBe(before);
  expect(await tree('/var/lib/coe-agent/deployments')).toBe(state);
});

test('setup installs the tarball on a node whose package was removed, but not purged', async () => {
  await installIn(machine, built);
  expect(await property('LoadState')).toBe('loaded');
  await machine.run('/opt/coe-agent/setup', 'remove');
  expect(await property('LoadState')).toBe('not-found');
});

test('removes configuration and state when purged, and keeps the certificates', async () => {
  const before = await certificates();
  await dpkg('--purge', 'coe-agent');
  await machine.run(
    'sh',
    '-c',
    'for f in /var/lib/coe-agent /etc/coe-agent /run/coe-agent /opt/coe-agent; do test ! -e $f || exit 1; done',
  );
  expect(await certificates()).toBe(before);
  expect(await property('ActiveState', OLD)).toBe('active');
});
