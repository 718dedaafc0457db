import { expect, onTestFinished, test } from 'vitest';
import { cloudForFile } from '../../cloud/for-file.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { LONE_READERS, putLonePods } from '../../scenarios/support/cluster-login.ts';
import type { Site } from '../../scenarios/support/site.ts';
import {
  anotherTrustee,
  askCredentials,
  changeLogin,
  stockNode,
} from '../../scenarios/support/stock-node.ts';
import {
  CLOUD_CONFIG,
  CLOUD_CONFIGS,
  cloudConfig,
  HEAT_PARAMS,
  REGISTRY,
  registryConfig,
  trusteeOf,
} from '../../scenarios/support/trustee.ts';

const cloud = await cloudForFile();

const where = async (site: Site): Promise<Record<string, unknown>> => await askCredentials(site, '--where');

test('names each file and object, whose login it is, and its readers', async () => {
  const { site, api, old } = await stockNode(cloud, 'master');
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
  const { site, api, old } = await stockNode(cloud, 'master');
  await changeLogin(site, anotherTrustee(cloud));
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
  const { site } = await stockNode(cloud, 'worker', { trustRoles });
  await site.node.write(REGISTRY, registryConfig(trusteeOf(site), 'n', 'd', cloud.authUrl));
  const told = await where(site);
  expect(told).toMatchObject({ api: 'no-master', hostPaths: [], roles: trustRoles });
  expect(told['warning']).toEqual(warning && expect.objectContaining(warning));
  expect(told['places']).toContainEqual(
    expect.objectContaining({ of: REGISTRY, whose: 'node', readers: ['registry'] }),
  );
});

test('warns of a login without a trust, whose roles do not count', async () => {
  const { site } = await stockNode(cloud, 'worker');
  await site.setParams({ TRUST_ID: undefined });
  expect(await where(site)).toMatchObject({ roles: [], warning: { code: 'no-trust' } });
});

test('shows the files also if neither the API nor Keystone answers', async () => {
  const { site } = await stockNode(cloud, 'master');
  site.node.units.mute(true);
  cloud.fault({ service: 'keystone', effect: { kind: 'answer', status: 503 } });
  onTestFinished(cloud.clearFaults);
  const told = await where(site);
  expect(told).toMatchObject({
    api: 'silent',
    why: expect.any(String) as unknown,
    roles: null,
    problem: { code: 'cloud-unreachable' },
  });
  expect(told['places']).toHaveLength(4);
  const { code, stdout } = await cli(site, ['credentials', '--where']);
  expect(code).toBe(0);
  for (const path of [HEAT_PARAMS, ...Object.keys(CLOUD_CONFIGS)]) expect(stdout).toContain(path);
});

test('names the refusal of a login whose trust is gone', async () => {
  const { site } = await stockNode(cloud, 'worker');
  cloud.deleteTrust(site.cluster);
  expect(await where(site)).toMatchObject({
    roles: null,
    problem: { code: 'login-refused', reason: 'http-401' },
  });
});

test('fails on a server that is no node of a cluster', async () => {
  const { site } = await stockNode(cloud, 'worker');
  await site.node.write(HEAT_PARAMS, '');
  expect(await where(site)).toMatchObject({ error: { code: 'bad-heat-params' } });
});
