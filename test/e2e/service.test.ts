import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EventCode, EVENTS } from '../../agent/events.ts';
import { messageId } from '../../agent/journal.ts';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import type { Cluster } from '../cloud/cluster.ts';
import { heatParamsText } from '../cloud/heat-params.ts';
import { type Machine, startMachine } from './machine.ts';
import { type BuiltPackage, buildPackage, installIn } from './package.ts';
import { workerConfig } from './worker-config.ts';

/** The package as a service of a real systemd, in a machine with neither Node nor npm. */

const CERTS = '/etc/kubernetes/certs';
const AGENT = 'coe-agent.service';

let machine: Machine;
let cloud: Cloud;
let cluster: Cluster;
let built: BuiltPackage;

beforeAll(async () => {
  [machine, cloud, built] = await Promise.all([startMachine(), startCloud(), buildPackage()]);
  cluster = await cloud.createCluster({ name: 'k1', servers: [{ name: 'worker-0', role: 'worker' }] });
  await machine.write('/etc/sysconfig/heat-params', heatParamsText(cluster.heatParams('worker')), '0600');
  await configure({});
  // It starts only with its certificate, after a delay that the test sets.
  await machine.unit('kubelet', {
    Service: [
      'Type=exec',
      'Restart=on-failure',
      'ExecStartPre=/bin/sh -c "while [ -e /run/kubelet-waits ]; do sleep 0.1; done"',
      `ExecStart=/bin/sh -c "cat ${CERTS}/kubelet.key >/run/kubelet-has && exec sleep infinity"`,
    ],
  });
  await machine.unit('kube-proxy', { Service: ['Type=exec', 'ExecStart=/bin/sleep infinity'] });
  await machine.write('/etc/systemd/system/coe-agent.service.d/test.conf', SHORT);
  await machine.run('mkdir', '-p', '/root/.kube');
  await installIn(machine, built);
  await eventually('the service to be active', async () => (await property('ActiveState')) === 'active');
});
afterAll(async () => {
  await cloud?.close();
  await machine?.close();
  await built?.close();
});

/** A watchdog and a stop time-out that a test can wait for. Longer work has requested more time. */
const SHORT = '[Service]\nWatchdogSec=4s\nTimeoutStopSec=3s\nRestartSec=100ms\n';

async function configure(more: Record<string, unknown>): Promise<void> {
  await machine.write('/etc/coe-agent/agent.yaml', workerConfig(cluster, more), '0600');
}

const property = async (name: string, unit = AGENT): Promise<string> =>
  await machine.run('systemctl', 'show', '--value', `--property=${name}`, unit);
const read = async (path: string): Promise<string> => await machine.run('cat', path);
const journal = async (): Promise<string> =>
  await machine.run('journalctl', '--no-pager', '-o', 'cat', '-u', 'coe-agent', '-u', 'coe-agent-make-cert');

/** The number of occurrences of an event in the journal. */
const events = async (event: EventCode): Promise<number> =>
  (await journal()).split(EVENTS[event][1]).length - 1;

/** Polls until a condition holds. */
async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + 60_000;
  while (!(await holds())) {
    if (performance.now() > until) throw new Error(`gave up waiting for ${what}:\n${await journal()}`);
    await sleep(100);
  }
}

/** Every file of certificates and keys with its hash, owner and mode. */
const tree = async (): Promise<string> =>
  await machine.run(
    'sh',
    '-c',
    'find /etc/kubernetes -type f | sort | while read f; do sha256sum "$f"; stat -c "%U %G %a" "$f"; done',
  );

const data = async (name: string): Promise<string> =>
  Buffer.from(`${await read(`${CERTS}/${name}`)}\n`).toString('base64');

/** Makes a kubeconfig with the kubelet's certificate and key. */
async function kubeconfig(): Promise<string> {
  return `clusters: [{ name: k1, cluster: { certificate-authority-data: ${await data('ca.crt')} } }]
users: [{ name: u, user: { client-certificate-data: ${await data('kubelet.crt')}, client-key-data: ${await data('kubelet.key')} } }]`;
}

/** Expects the newest kubelet to have the key of the certificate on disk, signed by the newest CA. */
async function expectWhole(): Promise<void> {
  const leaf = new X509Certificate(await read(`${CERTS}/kubelet.crt`));
  const ca = new X509Certificate(await read(`${CERTS}/ca.crt`));
  expect(leaf.checkIssued(ca) && leaf.verify(ca.publicKey)).toBe(true);
  expect(await read('/run/kubelet-has')).toBe(await read(`${CERTS}/kubelet.key`));
}

test('makes the first certificates before the units that need them, with their owners', async () => {
  await machine.run('systemctl', 'start', 'kubelet', 'kube-proxy');
  expect(await property('Result', 'coe-agent-make-cert.service')).toBe('success');
  await expectWhole();
  expect(await machine.run('stat', '-c', '%U %G %a', `${CERTS}/kubelet.key`)).toBe('kube kube_etcd 440');
});

test('notifies systemd that it is active, with a line about its state', async () => {
  expect(await property('ActiveState')).toBe('active');
  expect(await property('Type')).toBe('notify');
  await eventually('its status', async () => (await property('StatusText')) === 'idle, nothing to do');
  expect(await machine.run('sh', '-c', 'command -v node npm || true')).toBe('');
});

/** What keeps the runtime from calling libsystemd, and the opposite. */
const SILENCED = {
  libsystemd: [
    'cd /usr/lib/*-linux-gnu && mkdir /root/away && mv libsystemd.so.0* /root/away && ldconfig',
    'mv /root/away/* /usr/lib/*-linux-gnu/ && rmdir /root/away && ldconfig',
  ],
  'node:ffi': [
    'cd /opt/coe-agent && mv node node.away && printf \'#!/bin/sh\\nexec "$0.away" --no-experimental-ffi "$@"\\n\' >node && chmod 755 node',
    'cd /opt/coe-agent && mv node.away node',
  ],
} as const;

test.each(Object.entries(SILENCED))(
  'without %s, becomes active and serves its watchdog nevertheless',
  async (_, [silence, restore]) => {
    await machine.run('sh', '-c', silence);
    const said = await events('libsystemd-missing');
    await machine.run('systemctl', 'restart', AGENT);
    const pid = await property('MainPID');
    expect(await events('libsystemd-missing')).toBe(said + 1);
    expect([await property('ActiveState'), await property('NotifyAccess')]).toEqual(['active', 'all']);
    const polls = cloud.requests.length;
    // The watchdog of this unit waits for four seconds plus the wait between two polls.
    const until = performance.now() + 15_000;
    await eventually(
      'polls past the watchdog',
      async () => await Promise.resolve(performance.now() > until && cloud.requests.length > polls + 3),
    );
    expect([await property('MainPID'), await property('NRestarts')]).toEqual([pid, '0']);
    await machine.run('sh', '-c', restore);
    await machine.run('systemctl', 'restart', AGENT);
    expect(await property('NotifyAccess')).toBe('main');
  },
);

test.each([AGENT, 'coe-agent-make-cert.service'])(
  'systemd rates the exposure of %s at most 2.0',
  async (unit) => {
    const said = await machine.run('systemd-analyze', 'security', '--no-pager', '--threshold=20', unit);
    expect(said).toMatch(/Overall exposure level for .*: [01]\.\d|: 2\.0/);
  },
);

test('rotates under the lock-down: replaces files with their owners, restarts units, answers Heat', async () => {
  const before = await tree();
  // In root's home, the only home that the service sees.
  await machine.write('/root/.kube/config', await kubeconfig(), '0600');
  await cloud.rotateCa(cluster);
  expect(await cloud.settled(cluster, 120_000)).toBe('UPDATE_COMPLETE');
  expect(await tree()).not.toBe(before);
  expect(await read('/root/.kube/config')).toBe(await kubeconfig());
  await expectWhole();
  expect(await machine.run('stat', '-c', '%U %G %a', `${CERTS}/kubelet.key`)).toBe('kube kube_etcd 440');
});

test("runs a deployment's script without the lock-down, in a unit of its own", async () => {
  cloud.deploy(cluster, 'worker-0', {
    config: '#!/bin/sh\ntouch /root/written && cat /proc/self/cgroup >/root/cgroup && exec sleep 6\n',
  });
  // It takes longer than the watchdog waits for a poll.
  const pid = await property('MainPID');
  const status = await cloud.settled(cluster, 120_000);
  expect(status, JSON.stringify(cloud.signals)).toBe('UPDATE_COMPLETE');
  expect(await machine.run('sh', '-c', 'test -e /root/written && cat /root/cgroup')).not.toContain(AGENT);
  expect(await property('MainPID')).toBe(pid);
});

test('rereads the configuration in the same process on systemctl reload, and in another on restart', async () => {
  const pid = await property('MainPID');
  await configure({ log_level: 'debug' });
  await machine.run('systemctl', 'reload', AGENT);
  await eventually('the new configuration', async () => (await journal()).includes(EVENTS.started[1]));
  expect(await property('ActiveState')).toBe('active');
  expect(await property('MainPID')).toBe(pid);
  await configure({});
  await machine.run('systemctl', 'restart', AGENT);
  expect(await property('ActiveState')).toBe('active');
  expect(await property('MainPID')).not.toBe(pid);
});

test('is killed and restarted when the daemon hangs', async () => {
  const [pid, restarts] = [await property('MainPID'), Number(await property('NRestarts'))];
  await machine.run('sh', '-c', `kill -STOP ${pid}`);
  await eventually('another one', async () => Number(await property('NRestarts')) > restarts);
  await eventually('it to be active', async () => (await property('ActiveState')) === 'active');
  expect(await property('MainPID')).not.toBe(pid);
  expect(await machine.run('journalctl', '--no-pager', '-u', AGENT)).toContain('Watchdog timeout');
});

test('restarts after any number of kills', async () => {
  for (let time = 0; time < 7; time++) {
    const pid = await property('MainPID');
    await machine.run('sh', '-c', `kill -KILL ${pid}`);
    await eventually('another one', async () => !['0', pid].includes(await property('MainPID')));
  }
  await eventually('it to be active', async () => (await property('ActiveState')) === 'active');
});

test('completes a rotation before it stops in the middle of one, and answers Heat in the next start', async () => {
  await machine.run('touch', '/run/kubelet-waits');
  await cloud.rotateCa(cluster);
  await eventually(
    'the restart',
    async () => (await property('ActiveState', 'kubelet.service')) === 'activating',
  );
  await machine.run('systemctl', 'stop', '--no-block', AGENT);
  await eventually('the stop', async () => (await property('ActiveState')) === 'deactivating');
  // Longer than TimeoutStopSec, as this test requires.
  await sleep(5000);
  expect(await property('ActiveState')).toBe('deactivating');
  await machine.run('rm', '/run/kubelet-waits');
  await eventually('the end', async () => (await property('ActiveState')) === 'inactive');
  expect(await property('Result')).toBe('success');
  await expectWhole();
  await machine.run('systemctl', 'start', AGENT);
  expect(await cloud.settled(cluster, 60_000)).toBe('UPDATE_COMPLETE');
});

test('logs sentences with priorities and no secret', async () => {
  const text = await journal();
  expect(text).toContain(EVENTS.started[1]);
  expect(text).not.toMatch(/^<\d>|^\{/m);
  const { heat } = cluster.collectConfig('worker-0');
  const secrets = [
    cluster.trusteePassword,
    heat.password,
    ...(await read(`${CERTS}/kubelet.key`)).split('\n').slice(1, -1),
  ];
  for (const secret of secrets) expect(text).not.toContain(secret);
  expect(text).not.toContain('PRIVATE KEY');
});

test('writes its audit, its metrics and events with fields, and runs notify.command', async () => {
  const directory = '/var/lib/node-exporter';
  await machine.run('mkdir', '-p', directory);
  await machine.write('/usr/local/sbin/coe-notify', '#!/bin/sh\ncat >>/run/coe-agent/told\n', '0755');
  await configure({
    metrics: { file: `${directory}/coe-agent.prom` },
    notify: { command: '/usr/local/sbin/coe-notify' },
  });
  // As `setup` does during an installation.
  const dropIn = await machine.run('/opt/coe-agent/agent', 'unit-paths');
  await machine.write(`/etc/systemd/system/${AGENT}.d/10-paths.conf`, dropIn, '0644');
  await machine.run('systemctl', 'daemon-reload');
  await machine.run('systemctl', 'restart', AGENT);
  await cloud.rotateCa(cluster);
  expect(await cloud.settled(cluster, 60_000)).toBe('UPDATE_COMPLETE');

  const fields = await machine.run(
    'journalctl',
    '--no-pager',
    '-o',
    'json',
    '-t',
    'coe-agent',
    'COE_EVENT=deployment-succeeded',
  );
  expect(JSON.parse(fields.trim().split('\n').at(-1) ?? '')).toMatchObject({
    _SYSTEMD_UNIT: AGENT,
    PRIORITY: '6',
    MESSAGE_ID: messageId('deployment-succeeded'),
    COE_OUTCOME: 'succeeded',
  });
  // Heat is answered before these are written.
  const written = {
    [`${directory}/coe-agent.prom`]: 'coe_agent_deployments{outcome="succeeded"}',
    '/var/log/coe-agent/audit.jsonl': '"event":"ended"',
    '/run/coe-agent/told': 'deployment-succeeded',
  };
  for (const [path, text] of Object.entries(written))
    await eventually(path, async () => (await read(path).catch(() => '')).includes(text));
  expect(await machine.run('stat', '-c', '%a %U', '/var/log/coe-agent')).toMatch(/^700 root/);
  expect(await machine.run('/opt/coe-agent/agent', 'status', '--check')).toMatch(/^COE-AGENT OK/);
  await configure({});
});

test('rejects an older version over a newer one with the reason; a newer one keeps existing files', async () => {
  await machine.write('/opt/coe-agent/VERSION', '99.0.0\n');
  const pid = await property('MainPID');
  await expect(machine.run('/root/coe-agent/setup', 'install')).rejects.toThrow('99.0.0 is installed, and');
  expect(await property('MainPID')).toBe(pid);

  await machine.write('/opt/coe-agent/VERSION', '0.0.1\n');
  await machine.write('/opt/coe-agent/lib/of-an-older-version.mjs', '');
  const before = await tree();
  const ledger = await machine.run('ls', '/var/lib/coe-agent/deployments');
  await machine.run('/root/coe-agent/setup', 'install');
  await eventually('it to be active', async () => (await property('ActiveState')) === 'active');
  expect(await machine.run('ls', '/opt/coe-agent/lib')).not.toContain('older');
  expect(await tree()).toBe(before);
  expect(await machine.run('ls', '/var/lib/coe-agent/deployments')).toBe(ledger);
});

test('answers a rotation with the new version after an upgrade in its middle', async () => {
  await machine.run('touch', '/run/kubelet-waits');
  await cloud.rotateCa(cluster);
  await eventually(
    'the restart',
    async () => (await property('ActiveState', 'kubelet.service')) === 'activating',
  );
  const upgrade = machine.run('/root/coe-agent/setup', 'install');
  await eventually('the stop', async () => (await property('ActiveState')) === 'deactivating');
  await machine.run('rm', '/run/kubelet-waits');
  await upgrade;
  expect(await cloud.settled(cluster, 60_000)).toBe('UPDATE_COMPLETE');
  await expectWhole();
});

test('keeps a unit disabled over an upgrade that an administrator has disabled', async () => {
  await machine.run('systemctl', 'disable', '--now', AGENT);
  await machine.run('/root/coe-agent/setup', 'install');
  expect(await property('ActiveState')).toBe('inactive');
  expect(await property('UnitFileState')).toBe('disabled');
  await machine.run('systemctl', 'enable', '--now', AGENT);
});

test('removes everything except certificates, and the state unless it is purged', async () => {
  const before = await tree();
  await machine.run('/opt/coe-agent/setup', 'remove');
  expect(await property('LoadState')).toBe('not-found');
  expect(
    await machine.run(
      'sh',
      '-c',
      'ls -d /opt/coe-agent /usr/local/bin/agent /usr/local/bin/coe-agent /usr/local/lib/systemd/system/coe* || true',
    ),
  ).toBe('');
  expect(await tree()).toBe(before);
  await machine.run('test', '-d', '/var/lib/coe-agent/deployments');
  await machine.run('/root/coe-agent/setup', 'install');
  await eventually('it to be active', async () => (await property('ActiveState')) === 'active');
  await machine.run('/opt/coe-agent/setup', 'remove', '--purge');
  await machine.run('sh', '-c', 'test ! -e /var/lib/coe-agent && test ! -e /etc/coe-agent');
  expect(await tree()).toBe(before);
});

test('starts nothing beside an os-collect-config: every deployment would run twice', async () => {
  await machine.unit('os-collect-config', {
    Service: ['ExecStart=/bin/sleep infinity'],
    Install: ['WantedBy=multi-user.target'],
  });
  await machine.run('systemctl', 'enable', '--now', 'os-collect-config');
  await machine.run('/root/coe-agent/setup', 'install');
  expect(await property('ActiveState')).toBe('inactive');
  expect(await property('UnitFileState')).toBe('disabled');
  await machine.run('/opt/coe-agent/setup', 'remove');
  expect(await property('ActiveState', 'os-collect-config.service')).toBe('active');
});

const statusOf = async (unit: string): Promise<string[]> => [
  await property('ActiveState', unit),
  await property('UnitFileState', unit),
];

test("is active after a migration with os-collect-config's settings from Heat, and restores it on removal", async () => {
  const heat = Object.entries(cluster.collectConfig('worker-0').heat).map((pair) => pair.join(' = '));
  const given = ['[DEFAULT]', 'collectors = heat', '[heat]', ...heat, ''].join('\n');
  await machine.write('/etc/os-collect-config.conf', given, '0600');
  // The files by which heat-config marks applied deployments.
  for (const { id } of cluster.stack.deploymentsOn('worker-0'))
    for (const ending of ['json', 'notify.json'])
      await machine.write(`/var/lib/heat-config/deployed/${id}.${ending}`, '{}', '0600');
  await machine.run('/root/coe-agent/setup', 'install');
  await machine.run('/usr/local/bin/coe-agent', 'migrate');
  // It reads the migrated configuration, and is `reloading` for a moment.
  await eventually('it to be active and enabled', async () =>
    isDeepStrictEqual(await statusOf(AGENT), ['active', 'enabled']),
  );
  expect(await statusOf('os-collect-config.service')).toEqual(['inactive', 'disabled']);
  // An upgrade does not enable the unit that the migration has left disabled: the node has its certificates.
  await machine.run('/root/coe-agent/setup', 'install');
  await eventually('it to be active again', async () => (await property('ActiveState')) === 'active');
  expect(await property('UnitFileState', 'coe-agent-make-cert.service')).toBe('disabled');
  await machine.run('/opt/coe-agent/setup', 'remove');
  await eventually(
    'os-collect-config',
    async () => (await property('ActiveState', 'os-collect-config.service')) === 'active',
  );
  expect(await statusOf('os-collect-config.service')).toEqual(['active', 'enabled']);
  await machine.run('test', '!', '-e', '/etc/coe-agent/agent.yaml');
});
