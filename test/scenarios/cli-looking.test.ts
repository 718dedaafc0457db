import { once } from 'node:events';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { whileRecorded } from '../../agent/peers/held-turn.ts';
import { takeLock } from '../../src/base/lock.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { at, parseObject } from '../cloud/exchange.ts';
import { askUnits } from '../crash/socket-systemctl.ts';
import { cli, type Said } from './support/cli.ts';
import { runLoop } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';
import { createSite, type Site } from './support/site.ts';

const cloud = await cloudForFile();

const CERTS = '/etc/kubernetes/certs';
const EXPIRED = [{ code: 'expired' }];

/** The faults that `agent certs` finds, by file; files without faults are omitted. */
async function faultsOf(site: Site): Promise<Record<string, unknown>> {
  const { code, stdout } = await cli(site, ['certs', '--json']);
  const list: unknown = at(parseObject(stdout), 'certificates');
  const faulty: Record<string, unknown> = {};
  for (const one of Array.isArray(list) ? (list as unknown[]) : []) {
    const faults = at(one, 'faults');
    if (Array.isArray(faults) && faults.length > 0) faulty[String(at(one, 'file'))] = faults;
  }
  expect(code).toBe(Object.keys(faulty).length > 0 ? 1 : 0);
  return faulty;
}

async function listOf(site: Site, name: string): Promise<unknown[]> {
  const list: unknown = at(parseObject((await cli(site, ['certs', '--json'])).stdout), name);
  return Array.isArray(list) ? (list as unknown[]) : [];
}

const foreignKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });

describe('agent certs', () => {
  test("finds no faults in a valid set, and shows each certificate's subject and expiry", async () => {
    const site = await createSite(cloud, { role: 'master' });
    expect(await faultsOf(site)).toEqual({});
    const { stdout } = await cli(site, ['certs']);
    expect(stdout).toContain('layout kubernetes-certs (configured), master');
    expect(stdout).toMatch(
      /\/etc\/etcd\/certs\/server\.crt +CN=etcd +10\.0\.0\.5 172\.24\.4\.10 \+\d+ +\/etc\/etcd\/certs\/ca\.crt +[0-9a-f]{2,40} +[0-9a-f]{16} +clientAuth serverAuth +ec-p256 +20\d\d-\d\d-\d\d \d\d:\d\dZ +\d+ +by etcd +good/,
    );
    expect(stdout.split('\n').filter((line) => line.includes('good'))).toHaveLength(11);
  });

  test('finds missing and mismatched files, and certificates of another CA', async () => {
    const site = await createSite(cloud);
    const other = await createSite(cloud);
    await rm(join(site.node.root, `${CERTS}/proxy.crt`));
    await site.node.write(`${CERTS}/kubelet.key`, foreignKey());
    await site.node.write(`${CERTS}/ca.crt`, await other.node.read(`${CERTS}/ca.crt`));
    expect(await faultsOf(site)).toEqual({
      [`${CERTS}/proxy.crt`]: [{ code: 'missing' }],
      [`${CERTS}/kubelet.crt`]: [
        { code: 'wrong-issuer' },
        { code: 'key-mismatch', path: `${CERTS}/kubelet.key` },
      ],
    });
  });

  test('reports two CAs in one file, junk, a leaf as a CA and an unreadable key as faults', async () => {
    const site = await createSite(cloud);
    const ca = await site.node.read(`${CERTS}/ca.crt`);
    await site.node.write(`${CERTS}/ca.crt`, ca + ca);
    await site.node.write(`${CERTS}/proxy.crt`, 'junk');
    await site.node.write(`${CERTS}/kubelet.key`, 'junk');
    expect(await faultsOf(site)).toEqual({
      [`${CERTS}/ca.crt`]: [{ code: 'repeated' }],
      [`${CERTS}/proxy.crt`]: [
        { code: 'unreadable', why: expect.stringContaining('no PEM certificate') as unknown },
      ],
      [`${CERTS}/kubelet.crt`]: [{ code: 'key-unreadable', path: `${CERTS}/kubelet.key` }],
    });
    await site.node.write(`${CERTS}/proxy.crt`, '');
    expect(at(await faultsOf(site), `${CERTS}/proxy.crt`)).toMatchObject([
      { code: 'unreadable', why: expect.stringContaining('it is empty') as unknown },
    ]);
    await site.node.write(`${CERTS}/ca.crt`, await site.node.read(`${CERTS}/kubelet.crt`));
    expect(await faultsOf(site)).toMatchObject({ [`${CERTS}/ca.crt`]: [{ code: 'not-a-ca' }] });
  });

  test('reports a kubeconfig with another certificate than the file', async () => {
    const site = await createSite(cloud, { role: 'master', layout: 'kubernetes-pki' });
    const other = await createSite(cloud, { role: 'master', layout: 'kubernetes-pki' });
    await site.node.write('/etc/kubernetes/admin.conf', await other.node.read('/etc/kubernetes/admin.conf'));
    expect(await faultsOf(site)).toEqual({
      '/etc/kubernetes/admin.conf': [
        { code: 'differs', path: '/etc/kubernetes/pki/server.crt' },
        { code: 'differs', path: '/etc/kubernetes/pki/ca.crt' },
      ],
    });
  });

  test('describes each certificate: names, issuer by key, serial, days left, and the units that present it', async () => {
    const site = await createSite(cloud, { role: 'master' });
    site.node.units.breakUnit('kubelet', 'keeps the old certificate');
    await cli(site, ['make-cert', '--force']);
    await askUnits(join(site.node.root, 'run/units.sock'), 'restart', 'etcd');
    const read = async (path: string): Promise<X509Certificate> =>
      new X509Certificate(await site.node.read(path));
    const told = await listOf(site, 'certificates');
    const find = (file: string): unknown => told.find((one) => at(one, 'file') === file);
    const etcd = await read('/etc/etcd/certs/server.crt');
    expect(find('/etc/etcd/certs/server.crt')).toMatchObject({
      subject: 'CN=etcd',
      names: etcd.subjectAltName?.split(', '),
      issuer: '/etc/etcd/certs/ca.crt',
      serial: etcd.serialNumber.toLowerCase(),
      fingerprint: etcd.fingerprint256.replaceAll(':', '').toLowerCase(),
      daysLeft: Math.floor((etcd.validToDate.getTime() - site.clock.now()) / 86_400_000),
      expiry: 'good',
      keyType: 'ec-p256',
      served: { unit: 'etcd', presents: true },
    });
    expect(find('/etc/etcd/certs/ca.crt')).toMatchObject({ issuer: 'itself' });
    expect(find('/etc/etcd/certs/ca.crt')).not.toHaveProperty('served');
    // As the predecessor's make-cert requests it.
    expect(find(`${CERTS}/kubelet.crt`)).toMatchObject({
      usages: expect.arrayContaining([
        'digitalSignature',
        'keyEncipherment',
        'clientAuth',
        'serverAuth',
      ]) as unknown,
      served: { unit: 'kubelet', presents: false },
    });
    expect((await cli(site, ['certs'])).code).toBe(1);
    // A port on which nothing listens.
    await site.node.configure({ services: { units: { kubelet: { port: 1 } } } });
    const again = await listOf(site, 'certificates');
    const served = at(
      again.find((one) => at(one, 'file') === `${CERTS}/kubelet.crt`),
      'served',
    );
    expect(served).toMatchObject({ unit: 'kubelet', where: '127.0.0.1:1', presents: null, code: 'not-yet' });
  });

  test('describes kubeconfigs and copies: each entry, whether its key fits, and unreadable ones', async () => {
    const site = await createSite(cloud, { role: 'master', layout: 'kubernetes-pki' });
    const old = await site.node.read('/etc/kubernetes/admin.conf');
    await site.node.write('/etc/kubernetes/pki/copy.pem', await site.node.read('/etc/kubernetes/pki/ca.crt'));
    await site.node.write(
      '/etc/kubernetes/mixed.yaml',
      old.replace(/client-key-data: .*/, 'client-key: pki/foreign.key'),
    );
    await site.node.write('/etc/kubernetes/pki/foreign.key', foreignKey());
    await site.node.write('/etc/kubernetes/broken.conf', 'clusters: [\n client-certificate: x\n');
    const copies = await listOf(site, 'copies');
    const user = 'user admin';
    const [cluster] = copies
      .map((one) => String(at(one, 'entry')))
      .filter((entry) => entry.startsWith('cluster '));
    const seen = copies.map((one) => [
      at(one, 'file'),
      at(one, 'entry'),
      at(one, 'keyFits'),
      at(one, 'issuer'),
    ]);
    const ca = '/etc/kubernetes/pki/ca.crt';
    expect(seen).toContainEqual(['/etc/kubernetes/admin.conf', user, true, ca]);
    expect(seen).toContainEqual(['/etc/kubernetes/admin.conf', cluster, null, 'itself']);
    expect(seen).toContainEqual(['/etc/kubernetes/mixed.yaml', user, false, ca]);
    expect(seen).toContainEqual(['/etc/kubernetes/pki/copy.pem', null, null, 'itself']);
    const { stdout } = await cli(site, ['certs']);
    expect(stdout).toMatch(/\/etc\/kubernetes\/mixed\.yaml, user admin .* does not fit/);
    expect(stdout).toMatch(/! \/etc\/kubernetes\/broken\.conf: line 3, column 1: /);
  });

  test.each([
    [31, 'good', 0],
    [29, 'warning', 0],
    [6, 'urgent', 0],
    [-1, 'expired', 1],
  ] as const)('judges a certificate that expires in %i days as %s', async (days, expiry, code) => {
    const site = await createSite(cloud, { validity: { validityDays: 3650, leafDays: 365 } });
    const { validToDate } = new X509Certificate(await site.node.read(`${CERTS}/kubelet.crt`));
    site.clock.jump(validToDate.getTime() - site.clock.now() - days * 86_400_000 - 3_600_000);
    const told = (await listOf(site, 'certificates')).find(
      (one) => at(one, 'file') === `${CERTS}/kubelet.crt`,
    );
    expect(told).toMatchObject({ expiry, daysLeft: days });
    expect((await cli(site, ['certs'])).code).toBe(code);
  });

  test('names certificates that have expired or are not valid yet', async () => {
    const site = await createSite(cloud);
    site.clock.jump(6 * 365 * 86_400_000);
    expect(Object.values(await faultsOf(site))).toEqual([EXPIRED, EXPIRED, EXPIRED]);
    site.clock.jump(-12 * 365 * 86_400_000);
    expect(await faultsOf(site)).toMatchObject({ [`${CERTS}/kubelet.crt`]: [{ code: 'not-yet-valid' }] });
  });
});

/** The findings of `agent doctor`, each with id and subject. */
async function examine(site: Site): Promise<{ code: number; bad: string[]; warnings: string[] }> {
  const { code, stdout } = await cli(site, ['doctor', '--json']);
  const list: unknown = at(parseObject(stdout), 'findings');
  const of = (verdict: string): string[] =>
    (Array.isArray(list) ? list : [])
      .filter((one: unknown) => at(one, 'verdict') === verdict)
      .map((one: unknown) => [at(one, 'id'), at(one, 'of')].filter(Boolean).join(' '));
  return { code, bad: of('bad'), warnings: of('warning') };
}

describe('agent doctor', () => {
  test.each(['/sys/fs/cgroup', '/sys/fs/cgroup/systemd'])(
    'reports a predecessor that serves the node (control groups in %s), also by the daemon',
    async (groups) => {
      const site = await createSite(cloud);
      expect((await cli(site, ['doctor'])).stdout).not.toContain('agent migrate');
      await site.node.write(`${groups}/system.slice/heat-container-agent.service/cgroup.procs`, '');
      const { stdout, code } = await cli(site, ['doctor']);
      expect(stdout).toContain(
        '! heat-container-agent.service also serves this node, so all work is done twice',
      );
      expect(code).toBe(0);
      const daemon = site.node.start('run');
      onTestFinished(() => void daemon.kill('SIGKILL'));
      let log = '';
      daemon.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
      await eventually('the warning', () => log.includes('replace it with agent migrate'));
      const ended = once(daemon, 'close');
      daemon.kill('SIGTERM');
      await ended;
    },
  );

  test('exits with 0 on a sound node, and prints a line per check', async () => {
    const site = await createSite(cloud, { role: 'master', trustRoles: ['member', 'reader'] });
    expect(await examine(site)).toEqual({ code: 0, bad: [], warnings: ['daemon'] });
    const { stdout } = await cli(site, ['doctor']);
    expect(stdout).toMatch(/clock is [01] s/);
    for (const part of [
      'this node can log in as user',
      '✓ the trust delegates member, reader',
      'Magnum gives the etcd CA',
      'the unit kubelet is active',
    ])
      expect(stdout).toContain(part);
  });

  test("warns of a stock Magnum's trust, which delegates all roles of the trustor", async () => {
    const site = await createSite(cloud);
    expect(await examine(site)).toEqual({ code: 0, bad: [], warnings: ['daemon', 'trust-roles'] });
    const { stdout } = await cli(site, ['doctor']);
    expect(stdout).toContain('! the trust delegates admin, member, reader: root of this node can use admin');
  });

  test.each<[string, (site: Site) => unknown, number, string]>([
    ['a trust that is gone', ({ cluster }) => cloud.deleteTrust(cluster), 3, 'trust'],
    [
      'missing heat-params',
      (site) => site.setParams({ TRUSTEE_PASSWORD: '' }),
      1,
      'heat-params /etc/sysconfig/heat-params',
    ],
    [
      'a cluster without TLS',
      (site) => site.setParams({ TLS_DISABLED: 'True' }),
      1,
      'heat-params /etc/sysconfig/heat-params',
    ],
    ['a masked unit', ({ node }) => node.units.breakUnit('kubelet', 'is masked'), 1, 'unit kubelet'],
    ['a missing unit', ({ node }) => node.units.breakUnit('kubelet', 'is missing'), 1, 'unit kubelet'],
    [
      'a Magnum that is down',
      () => cloud.fault({ service: 'magnum', effect: { kind: 'answer', status: 503 } }),
      3,
      'magnum-ca kubernetes',
    ],
    ['a clock that is days behind', ({ clock }) => clock.jump(-3 * 86_400_000), 1, 'clock'],
    [
      'metadata that cannot be read',
      () => cloud.fault({ service: 'heat', effect: { kind: 'answer', body: 'junk' } }),
      // An answer that is not JSON may come from a proxy: the request is retried.
      3,
      'collector heat',
    ],
  ])('finds %s, and changes nothing', async (_, arrange, code, finding) => {
    const site = await createSite(cloud);
    onTestFinished(cloud.clearFaults);
    await arrange(site);
    const before = await site.files('/');
    const found = await examine(site);
    expect(found.bad).toContain(finding);
    expect(found.code).toBe(code);
    expect(await site.files('/')).toEqual(before);
    expect(site.restarts()).toEqual([]);
  });

  test('reports a certificate that a rotation would replace as a fault of the present node', async () => {
    const site = await createSite(cloud, { trustRoles: ['member'] });
    await site.node.write(`${CERTS}/kubelet.key`, foreignKey());
    expect(await examine(site)).toMatchObject({
      code: 1,
      bad: [`certificate ${CERTS}/kubelet.crt`],
      warnings: ['daemon'],
    });
  });
});

describe('agent status', () => {
  test('shows finished and failed deployments with the reason, and unacknowledged answers', async () => {
    const site = await createSite(cloud);
    expect((await cli(site, ['status'])).stdout).toBe(
      '! the daemon does not run: systemctl status coe-agent\n✗ no complete pass since the node was started\npolls with heat, local, as /etc/coe-agent/agent.yaml says\nno deployments yet\n',
    );
    await cloud.rotateCa(site.cluster);
    site.node.units.breakUnit('kubelet', 'is masked');
    cloud.fault({
      service: 'heat',
      method: 'POST',
      effect: { kind: 'answer', status: 404, body: 'no such stack' },
    });
    onTestFinished(cloud.clearFaults);
    await cli(site, ['run-once']);
    const { stdout } = await cli(site, ['status']);
    for (const part of [
      'last pass 20',
      '✓ heat answered',
      'finished',
      'failed (1)',
      'the unit kubelet is masked',
      'not acknowledged yet',
      '404 no such stack',
    ])
      expect(stdout).toContain(part);
    cloud.clearFaults();
    await cli(site, ['run-once']);
    const after = await cli(site, ['status', '--json']);
    expect(parseObject(after.stdout)).toMatchObject({
      lastPass: { open: [], problems: [] },
      interrupted: null,
      deployments: [{ state: 'signalled', outcome: { statusCode: 1 } }],
    });
  });

  test('shows whether the daemon runs, the last success and the last failure; older failures with --all', async () => {
    const site = await createSite(cloud);
    expect((await cli(site, ['status'])).stdout).toContain('the daemon does not run');
    const ids: string[] = [];
    for (const breaks of [true, true, false]) {
      if (breaks) site.node.units.breakUnit('kubelet', 'is masked');
      else site.node.units.mend('kubelet');
      await cloud.rotateCa(site.cluster);
      ids.push(site.cluster.stack.deploymentsOn(site.server)[0]?.id ?? '');
      await cli(site, ['run-once']);
      await cloud.settled(site.cluster);
    }
    const lock = await takeLock(join(site.node.root, 'run/coe-agent/lock'), 'run', 4711);
    onTestFinished(lock.release);
    const { stdout } = await cli(site, ['status']);
    expect(stdout).toMatch(/^agent run \(pid 4711\) since \d{4}-/m);
    expect(stdout).toContain(`last success: ${ids[2]}`);
    expect(stdout).toContain(`last failure: ${ids[1]}`);
    expect(stdout).not.toContain(`failure: ${ids[0]}`);
    expect((await cli(site, ['status', '--all'])).stdout).toContain(`failure: ${ids[0]}`);
    const { stdout: json } = await cli(site, ['status', '--json']);
    expect(parseObject(json)).toMatchObject({
      holder: { name: 'agent run (pid 4711)' },
      lastSuccess: ids[2],
      lastFailure: ids[1],
    });
  });

  test('shows what is being retried, since when and until when', async () => {
    const site = await createSite(cloud, { role: 'master', config: { cloud: { patience_seconds: 60 } } });
    await cloud.rotateCa(site.cluster);
    cloud.fault({ service: 'magnum', effect: { kind: 'answer', status: 503, body: 'maintenance' } });
    onTestFinished(cloud.clearFaults);
    let seen: Promise<Said> | undefined;
    const sleep: Clock['sleep'] = async (ms, abort) => {
      seen ??= cli(site, ['status', '--json']);
      await seen;
      await site.clock.sleep(ms, abort);
    };
    const { stderr } = await cli(site, ['run-once'], { clock: () => ({ ...site.clock, sleep }) });
    // Three CAs are awaited in parallel.
    expect(stderr).not.toContain('waiting-unwritten');
    const waiting = at(parseObject((await seen)?.stdout ?? ''), 'waiting');
    expect(waiting).toMatchObject({
      whatCode: 'read-ca',
      of: expect.stringMatching(/^(?:kubelet|etcd|front-proxy)$/) as unknown,
      code: 'cloud-unreachable',
      reason: 'http-503',
    });
    const moment = (name: string): number => Date.parse(String(at(waiting, name)));
    expect((moment('until') - moment('since')) / 1000).toBeCloseTo(60, 0);
    expect(parseObject((await cli(site, ['status', '--json'])).stdout)).toMatchObject({ waiting: null });
    expect(await site.files('/run/coe-agent')).not.toHaveProperty('waiting.json');
  });

  test('shows the differences that the daemon has found', async () => {
    const site = await createSite(cloud);
    const desired = async (): Promise<unknown> =>
      at(parseObject((await cli(site, ['status', '--json'])).stdout), 'desired');
    expect(await desired()).toBeNull();
    await site.setParams({ KUBE_NODE_IP: '10.0.0.77' });
    await runLoop(site, { times: 2 });
    expect(await desired()).toMatchObject({
      comparedAt: expect.any(String) as unknown,
      differences: [{ code: 'names-differ', severity: 'warning', of: `${CERTS}/kubelet.crt` }],
    });
    expect((await cli(site, ['status'])).stdout).toContain('kubelet.crt lacks 10.0.0.77');
    for (const verb of ['certs', 'plan']) {
      expect(at(parseObject((await cli(site, [verb, '--json'])).stdout), 'differences'), verb).toMatchObject([
        { code: 'names-differ', of: `${CERTS}/kubelet.crt` },
      ]);
    }
  });

  test('shows that this master holds its turn, while the process that took it runs', async () => {
    const site = await createSite(cloud);
    const turn = async (): Promise<unknown> =>
      at(parseObject((await cli(site, ['status', '--json'])).stdout), 'turn');
    const lock = await takeLock(join(site.node.root, 'run/coe-agent/lock'), 'run', 4711);
    onTestFinished(lock.release);
    await whileRecorded(await site.start(), async () => {
      expect(await turn()).toEqual({ since: expect.any(String) as unknown });
      const { stdout } = await cli(site, ['status']);
      expect(stdout).toContain('holds the turn of the masters since');
      await lock.release();
      expect(await turn()).toBeNull();
    });
    expect(await site.files('/run/coe-agent')).not.toHaveProperty('turn.json');
  });

  test('reports a critical difference until a deployment has repaired it', async () => {
    const site = await createSite(cloud);
    const codes = async (): Promise<unknown> => {
      const health = at(parseObject((await cli(site, ['status', '--json'])).stdout), 'health');
      return Array.isArray(health) ? health.map((one: unknown) => at(one, 'code')) : undefined;
    };
    await rm(join(site.node.root, `${CERTS}/kubelet.key`));
    await runLoop(site, {
      times: 5,
      before: async (wait) => {
        if (wait !== 2) return;
        expect(await codes()).toContain('node-differs');
        await cloud.rotateCa(site.cluster);
      },
    });
    expect(await codes()).not.toContain('node-differs');
  });

  test('reports unread metadata until it can be read again', async () => {
    const site = await createSite(cloud);
    cloud.fault({ service: 'heat', effect: { kind: 'answer', status: 503, body: 'maintenance' } });
    onTestFinished(cloud.clearFaults);
    await cli(site, ['run-once']);
    expect((await cli(site, ['status'])).stdout).toContain('503 maintenance');
    cloud.clearFaults();
    await cli(site, ['run-once']);
    expect((await cli(site, ['status'])).stdout).not.toContain('maintenance');
  });
});

const naming = (path: string): string =>
  `clusters: []\nusers:\n- name: u\n  user: { client-key: ${JSON.stringify(path)} }\n`;

test('agent unit-paths writes no line that a path in a kubeconfig injects', async () => {
  const site = await createSite(cloud, { role: 'master' });
  const { node } = site;
  const pem = await node.read('/etc/kubernetes/certs/admin.key');
  const injected = '/srv/a\nExecStartPre=+/bin/touch /root/owned\n#';
  for (const [index, directory] of [injected, '/srv/my certs', '/srv/100%n', '/srv/tools'].entries()) {
    await node.write(`${directory}/admin.pem`, pem);
    await node.write(`/etc/kubernetes/${index}.conf`, naming(`${directory}/admin.pem`));
  }
  // Paths in a file that others can change are ignored.
  await node.write('/opt/others/admin.pem', pem);
  await node.write('/etc/kubernetes/anybodys.conf', naming('/opt/others/admin.pem'));
  await chmod(join(node.root, '/etc/kubernetes/anybodys.conf'), 0o666);
  const { stdout } = await cli(site, ['unit-paths']);
  const written = stdout
    .split('\n')
    .filter((line) => /srv\/[^m]|my certs|opt\/others|ExecStartPre/.test(line));
  expect(written).toEqual([
    'ReadWritePaths=-/srv/100%%n',
    'ReadWritePaths="-/srv/my certs"',
    'ReadWritePaths=-/srv/tools',
  ]);
});

test('agent unit-paths prints a drop-in with the writable paths of every layout, also without a configuration', async () => {
  const site = await createSite(cloud);
  await rm(join(site.node.root, 'etc'), { recursive: true });
  const { code, stdout } = await cli(site, ['unit-paths']);
  expect(code).toBe(0);
  const settings = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const paths = [
    '/etc/docker',
    '/etc/etcd',
    '/etc/kubernetes',
    '/etc/rexray',
    '/etc/sysconfig',
    '/srv/magnum/kubernetes/manifests',
    '/var/lib/kubelet',
    '/var/lib/os-collect-config',
  ];
  expect(settings).toEqual(['[Service]', ...paths.map((path) => `ReadWritePaths=-${path}`)]);
  const { stdout: json } = await cli(site, ['unit-paths', '--json']);
  expect(parseObject(json)).toEqual({ version: 1, paths });
});
