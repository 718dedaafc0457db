import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import type { Cluster } from '../cloud/cluster.ts';
import { heatParamsText } from '../cloud/heat-params.ts';
import { attachDrive } from '../integration/drive.ts';
import { type Machine, startMachine } from './machine.ts';
import { type BuiltPackage, buildPackage, installIn } from './package.ts';
import { workerConfig } from './worker-config.ts';

/** A server whose address is only on its config drive: units that may not mount anything read it nevertheless. */

const AGENT = 'coe-agent.service';
const DRIVE = 'coe-agent-config-drive.service';
const COPY = '/run/coe-agent/config-drive';
const KUBELET = '/etc/kubernetes/certs/kubelet.crt';
/** udev's link, which a machine of systemd-nspawn lacks. */
const LINK = '/dev/disk/by-label/config-2';

let machine: Machine;
let cloud: Cloud;
let cluster: Cluster;
let built: BuiltPackage;

beforeAll(async () => {
  [machine, cloud, built] = await Promise.all([startMachine(), startCloud(), buildPackage()]);
  cluster = await cloud.createCluster({ name: 'k1', servers: [{ name: 'worker-0', role: 'worker' }] });
  const params = { ...cluster.heatParams('worker'), KUBE_NODE_IP: '' };
  await machine.write('/etc/sysconfig/heat-params', heatParamsText(params), '0600');
  // Nothing listens there.
  const ec2 = { metadata_url: 'http://127.0.0.1:9/latest/meta-data' };
  await machine.write('/etc/coe-agent/agent.yaml', workerConfig(cluster, { ec2 }), '0600');
  for (const unit of ['kubelet', 'kube-proxy'])
    await machine.unit(unit, { Service: ['Type=exec', 'ExecStart=/bin/sleep infinity'] });
});
afterAll(async () => {
  await cloud?.close();
  await machine?.close();
  await built?.close();
});

const property = async (name: string, unit: string): Promise<string> =>
  await machine.run('systemctl', 'show', '--value', `--property=${name}`, unit);
const copied = async (): Promise<string> =>
  await machine.run('sh', '-c', `find ${COPY} -printf '%m %u %p\\n' 2>/dev/null || true`);
const namesOfKubelet = async (): Promise<string> =>
  new X509Certificate(await machine.run('cat', KUBELET)).subjectAltName ?? '';

/**
 * Shows the machine a drive as udev would. Its label differs, because the drive belongs to the machine, not to the
 * host.
 */
async function insert(
  files: Readonly<Record<string, string>>,
  { link = LINK, links = {} }: { link?: string; links?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  const device = await attachDrive('coe-e2e', files, links);
  const show = `mkdir -p "\${2%/*}" && { [ -e "$1" ] || mknod "$1" b 7 "\${1#/dev/loop}"; } && ln -sf "$1" "$2"`;
  await machine.run('sh', '-c', show, 'sh', device, link);
}

test("the drive's address is in the first certificates and in those of a rotation", async () => {
  await insert({
    'ec2/latest/meta-data.json': '{"local-ipv4": "10.8.8.8"}',
    'openstack/latest/user_data': 'a secret of cloud-init',
  });
  await installIn(machine, built);
  await machine.run('systemctl', 'start', 'coe-agent-make-cert', AGENT);
  expect(await namesOfKubelet()).toContain('IP Address:10.8.8.8');
  const first = await machine.run('cat', KUBELET);
  await cloud.rotateCa(cluster);
  expect(await cloud.settled(cluster, 120_000)).toBe('UPDATE_COMPLETE');
  expect(await machine.run('cat', KUBELET)).not.toBe(first);
  expect(await namesOfKubelet()).toContain('IP Address:10.8.8.8');
});

test('one file of the drive is kept, readable by root only, and nothing stays mounted', async () => {
  const lines = (await copied()).split('\n');
  expect(lines[0]).toBe(`700 root ${COPY}`);
  expect(lines.filter((line) => !line.startsWith('7'))).toEqual([
    `600 root ${COPY}/ec2/latest/meta-data.json`,
  ]);
  expect(await machine.run('cat', '/proc/mounts')).not.toContain('/dev/loop');
});

test('the mounting unit is locked down as well: systemd rates its exposure at most 1.5', async () => {
  await machine.run('systemd-analyze', 'security', '--no-pager', '--threshold=15', DRIVE);
});

/** Expects a daemon that started with this drive: no copy, and the daemon is active. */
async function expectStartWithout(result: string): Promise<void> {
  await machine.run('systemctl', 'stop', DRIVE);
  await machine.run('systemctl', 'restart', AGENT);
  expect(await property('ActiveState', AGENT)).toBe('active');
  expect(await property('Result', DRIVE)).toBe(result);
  expect(await copied()).toBe('');
}

test('a symlink on a drive cannot reach a file of root', async () => {
  await insert({}, { links: { 'ec2/latest/meta-data.json': '/etc/sysconfig/heat-params' } });
  await expectStartWithout('exit-code');
  await insert({}, { links: { ec2: '/root/ec2' } });
  await machine.run('install', '-D', '/etc/sysconfig/heat-params', '/root/ec2/latest/meta-data.json');
  await expectStartWithout('exit-code');
});

test('a drive without the metadata, and one that does not answer, do not delay the daemon', async () => {
  await insert({ 'openstack/latest/meta_data.json': '{}' });
  await expectStartWithout('exit-code');
  await machine.write(
    `/etc/systemd/system/${DRIVE}.d/silent.conf`,
    '[Service]\nExecStart=\nExecStart=/bin/sleep infinity\n',
  );
  await machine.run('systemctl', 'daemon-reload');
  const since = performance.now();
  await expectStartWithout('timeout');
  expect(performance.now() - since).toBeLessThan(30_000);
});

test('without a drive no unit is started for it', async () => {
  await machine.run('rm', LINK);
  await machine.run('systemctl', 'reset-failed', DRIVE);
  await expectStartWithout('success');
  expect(await property('ConditionResult', DRIVE)).toBe('no');
});

test('removing the package removes the copy, also of a drive with an upper-case label', async () => {
  await machine.run('rm', `/etc/systemd/system/${DRIVE}.d/silent.conf`);
  await insert({ 'ec2/latest/meta-data.json': '{}' }, { link: '/dev/disk/by-label/CONFIG-2' });
  await machine.run('systemctl', 'daemon-reload');
  await machine.run('systemctl', 'restart', AGENT);
  expect(await copied()).toContain('meta-data.json');
  await machine.run('/opt/coe-agent/setup', 'remove');
  expect(await copied()).toBe('');
  expect(await property('LoadState', DRIVE)).toBe('not-found');
});
