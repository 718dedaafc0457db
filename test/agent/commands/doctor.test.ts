import { once } from 'node:events';
import { generateKeyPairSync } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { cloudForFile } from '../../cloud/for-file.ts';
import { at, parseObject } from '../../cloud/exchange.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { eventually } from '../../scenarios/support/eventually.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';
import { logged } from '../../scenarios/support/logged.ts';

const cloud = await cloudForFile();

const CERTS = '/etc/kubernetes/certs';

const foreignKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });

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

test.each(['/sys/fs/cgroup', '/sys/fs/cgroup/systemd'])(
  'reports a predecessor that serves the node (control groups in %s), also by the daemon',
  async (groups) => {
    const site = await createSite(cloud);
    expect((await examine(site)).warnings).not.toContain('second-agent');
    await site.node.write(`${groups}/system.slice/heat-container-agent.service/cgroup.procs`, '');
    expect(await examine(site)).toMatchObject({
      code: 0,
      warnings: expect.arrayContaining(['second-agent']) as unknown,
    });
    const daemon = site.node.start('run');
    onTestFinished(() => void daemon.kill('SIGKILL'));
    let log = '';
    daemon.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
    await eventually('the warning', () => logged(log, 'second-agent').length > 0);
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
    'Magnum serves the etcd CA',
    'the unit kubelet is active',
  ])
    expect(stdout).toContain(part);
});

test("warns of a stock Magnum's trust, which delegates all roles of the trustor", async () => {
  const site = await createSite(cloud);
  expect(await examine(site)).toEqual({ code: 0, bad: [], warnings: ['daemon', 'trust-roles'] });
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
