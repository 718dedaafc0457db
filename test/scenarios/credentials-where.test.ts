import { randomBytes } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FORMER } from '../../agent/credentials/former.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { parseObject } from '../cloud/exchange.ts';
import type { Kubernetes } from '../fakes/kubernetes.ts';
import { cli } from './support/cli.ts';
import { LONE_READERS, objectsOf, objectsWith, putLonePods, stockCluster } from './support/cluster-login.ts';
import { createSite, type Role, type Site, type SiteSpec } from './support/site.ts';
import {
  CLOUD_CONFIG,
  CLOUD_CONFIGS,
  cloudConfig,
  HEAT_PARAMS,
  newTrustee,
  REGISTRY,
  registryConfig,
  type Trustee,
  trusteeOf,
} from './support/trustee.ts';
import { nodeFiles } from './support/untouched.ts';

const cloud = await cloudForFile();

const another = (): Trustee => newTrustee(cloud, `fresh-${randomBytes(8).toString('hex')}`);

async function stockNode(
  role: Role,
  spec: SiteSpec = {},
): Promise<{ site: Site; api: Kubernetes; old: Trustee }> {
  const site = await createSite(cloud, { role, config: { workloads: { per_second: 100 } }, ...spec });
  const old = trusteeOf(site);
  for (const [path, more] of Object.entries(CLOUD_CONFIGS))
    await site.node.write(path, cloudConfig(old, cloud.authUrl) + more);
  const api = stockCluster(old, cloud.authUrl);
  if (role === 'master') site.node.units.serve('kube-apiserver', api.listener);
  return { site, api, old };
}

async function where(site: Site): Promise<Record<string, unknown>> {
  const { code, stdout } = await cli(site, ['credentials', '--where', '--json']);
  expect(code).toBe(0);
  return parseObject(stdout) ?? {};
}
const change = async (site: Site, trustee: Trustee): Promise<void> => {
  const said = await cli(site, ['credentials', '--from', '-'], {}, JSON.stringify(trustee));
  expect(said).toMatchObject({ code: 0 });
};

describe('agent credentials --where', () => {
  test('names each file and object, whose login it is, and who reads it', async () => {
    const { site, api, old } = await stockNode('master');
    const elses = Buffer.from('[Global]\nuser-id=u1\npassword=other-one\ntrust-id=t1\n').toString('base64');
    api.core.put('secrets', 'shop', 'elses', { type: 'Opaque', data: { conf: elses } });
    await site.node.write('/etc/kubernetes/odd', `<t>${old.trust_id}</t>`);
    putLonePods(api, new Date(site.clock.now()));
    const login = { whose: 'node', user: old.trustee_user_id, trust: old.trust_id };
    const told = await where(site);
    expect(told).toMatchObject({
      api: 'answers',
      places: expect.arrayContaining([
        { kind: 'file', of: HEAT_PARAMS, ...login, readers: ['coe-agent'] },
        {
          kind: 'file',
          of: CLOUD_CONFIG,
          ...login,
          readers: ['kube-apiserver', 'kube-controller-manager', 'kubelet'],
        },
        { kind: 'file', of: '/etc/kubernetes/odd', whose: 'unknown', readers: [] },
        { kind: 'secret', of: 'kube-system/os-trustee', ...login, readers: [] },
        {
          kind: 'secret',
          of: 'kube-system/cinder-csi-cloud-config',
          ...login,
          readers: [
            'deployment kube-system/csi-cinder-controllerplugin',
            'daemonset kube-system/csi-cinder-nodeplugin',
          ],
        },
        {
          kind: 'configmap',
          of: 'kube-system/magnum-auto-healer-config',
          ...login,
          readers: ['daemonset kube-system/magnum-auto-healer'],
        },
        { kind: 'secret', of: 'shop/elses', whose: 'another', user: 'u1', trust: 't1', readers: [] },
      ]) as unknown,
      hostPaths: [
        { workload: 'daemonset kube-system/openstack-cloud-controller-manager', paths: ['/etc/kubernetes'] },
      ],
      lonePods: LONE_READERS,
      roles: expect.arrayContaining(['member']) as unknown,
    });
    expect(api.asked.filter(({ method }) => method !== 'GET')).toEqual([]);
    const text = await cli(site, ['credentials', '--where']);
    expect(text.stdout).toContain('secret kube-system/os-trustee');
    for (const of of LONE_READERS) expect(text.stdout).toContain(of);
    for (const said of [JSON.stringify(told), text.stdout]) expect(said).not.toContain(old.trustee_password);
  });

  test('tells a former login from another one', async () => {
    const { site, api, old } = await stockNode('master');
    const fresh = another();
    await change(site, fresh);
    api.core.put('configmaps', 'shop', 'forgotten', {
      data: { 'cloud.conf': cloudConfig(old, cloud.authUrl) },
    });
    await site.node.write('/etc/kubernetes/later.conf', cloudConfig(old, cloud.authUrl));
    expect((await where(site))['places']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ of: '/etc/kubernetes/later.conf', whose: 'former' }),
        expect.objectContaining({ of: 'shop/forgotten', whose: 'former' }),
        expect.objectContaining({ of: 'kube-system/os-trustee', whose: 'node' }),
      ]),
    );
  });

  test.each([
    [['member', 'reader'], undefined],
    [['admin', 'member'], { code: 'more-than-needed' }],
  ])('warns of more roles than needed: %j', async (trustRoles, warning) => {
    const { site } = await stockNode('worker', { trustRoles });
    await site.node.write(REGISTRY, registryConfig(trusteeOf(site), 'n', 'd', cloud.authUrl));
    const told = await where(site);
    expect(told).toMatchObject({ api: 'no-master', hostPaths: [], roles: trustRoles });
    expect(told['warning']).toEqual(warning && expect.objectContaining(warning));
    expect(told['places']).toContainEqual(
      expect.objectContaining({ of: REGISTRY, whose: 'node', readers: ['registry'] }),
    );
  });

  test('shows the files also if neither the API nor Keystone answers', async () => {
    const { site } = await stockNode('master');
    site.node.units.mute(true);
    cloud.fault({ service: 'keystone', effect: { kind: 'answer', status: 503 } });
    onTestFinished(cloud.clearFaults);
    const told = await where(site);
    expect(told).toMatchObject({ api: 'silent', roles: null, problem: { code: 'cloud-unreachable' } });
    expect(told['places']).toHaveLength(4);
  });
});

describe('agent credentials --back', () => {
  test('puts the former login back into files and objects, and forward again', async () => {
    const { site, api, old } = await stockNode('master');
    const before = await nodeFiles(site);
    const fresh = another();
    await change(site, fresh);
    const dry = await cli(site, ['credentials', '--back', '--dry-run']);
    expect(dry.stdout).toContain(old.trust_id);
    expect(await cli(site, ['credentials', '--back'])).toMatchObject({ code: 0, stderr: '' });
    expect(await nodeFiles(site)).toEqual(before);
    expect(objectsOf(api)).toEqual(objectsWith(old, cloud.authUrl));
    expect(await cli(site, ['credentials', '--back'])).toMatchObject({ code: 0 });
    expect(objectsOf(api)).toEqual(objectsWith(fresh, cloud.authUrl));
  });

  test('changes nothing if the former trust is gone', async () => {
    const { site } = await stockNode('worker');
    await change(site, another());
    const before = await nodeFiles(site);
    cloud.deleteTrust(site.cluster);
    const { stdout } = await cli(site, ['credentials', '--back', '--json']);
    expect(parseObject(stdout)).toMatchObject({ error: { code: 'login-refused' } });
    expect(await nodeFiles(site)).toEqual(before);
  });

  test('is not possible before a change, nor once the former login is dropped', async () => {
    const { site } = await stockNode('worker');
    const refused = { error: { code: 'precondition', reason: 'no-former' } };
    expect(parseObject((await cli(site, ['credentials', '--back', '--json'])).stdout)).toMatchObject(refused);
    await change(site, another());
    expect((await site.files('/var/lib/coe-agent')).has(FORMER)).toBe(true);
    expect(parseObject((await cli(site, ['credentials', '--forget', '--json'])).stdout)).toMatchObject({
      changed: true,
    });
    expect((await site.files('/var/lib/coe-agent')).has(FORMER)).toBe(false);
    expect(parseObject((await cli(site, ['credentials', '--back', '--json'])).stdout)).toMatchObject(refused);
    expect(parseObject((await cli(site, ['credentials', '--forget', '--json'])).stdout)).toMatchObject({
      changed: false,
      reason: 'no-former',
    });
  });

  test('the former login stays while objects may hold it', async () => {
    const { site, api, old } = await stockNode('master', {
      config: { workloads: { per_second: 100, deadline_seconds: 2 } },
    });
    api.instead = ({ path }) => (path.includes('/secrets') ? { status: 503, text: 'away' } : undefined);
    await change(site, another());
    expect(parseObject((await cli(site, ['credentials', '--forget', '--json'])).stdout)).toMatchObject({
      error: { code: 'precondition', reason: 'objects-pending' },
    });
    api.instead = () => undefined;
    expect(await cli(site, ['credentials', '--back'])).toMatchObject({ code: 0 });
    expect(objectsOf(api)).toEqual(objectsWith(old, cloud.authUrl));
    expect(await cli(site, ['credentials', '--forget'])).toMatchObject({ code: 0 });
  });

  test.each([[[]], [['--where', '--back']], [['--from', '-', '--forget']]])(
    'exactly one way is accepted, not %j',
    async (options) => {
      const site = await createSite(cloud);
      expect(await cli(site, ['credentials', ...options])).toMatchObject({ code: 2 });
    },
  );
});
