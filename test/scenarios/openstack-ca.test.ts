import { expect, test } from 'vitest';
import { FORMER } from '../../agent/credentials/former.ts';
import { createClusterCa } from '../cluster/authority.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { parseObject } from '../cloud/exchange.ts';
import type { Kubernetes } from '../fakes/kubernetes.ts';
import { cli } from './support/cli.ts';
import { objectsOf, stockCluster } from './support/cluster-login.ts';
import { killedAtEachTouch } from './support/mortal.ts';
import { createSite, type Role, type Site, type SiteSpec } from './support/site.ts';
import { lastError } from './support/last-error.ts';
import { CLOUD_CONFIG, cloudConfig, deployCredentials, newTrustee, trusteeOf } from './support/trustee.ts';
import { nodeFiles } from './support/untouched.ts';

/** Over TLS. */
const cloud = await cloudForFile({ tls: true });

const BUNDLE = '/etc/kubernetes/ca-bundle.crt';
const other = createClusterCa('another cloud').pem;
const currentCa = (): string => cloud.caPem ?? '';
const bothCas = (): string => `${currentCa()}${other}`;
/** The workloads that read the bundle, with their generation once they are replaced. */
const READERS_OF_BUNDLE = [
  ['uses-ca', 2],
  ['openstack-cloud-controller-manager', 2],
] as const;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A node that trusts its cloud by the bundle, which the cluster keeps, too. */
async function siteWithBundle(
  role: Role = 'master',
  spec: SiteSpec = {},
): Promise<{ site: Site; api: Kubernetes }> {
  const config = { workloads: { per_second: 100 } };
  const site = await createSite(cloud, { role, bare: true, config, ...spec });
  await site.node.write(BUNDLE, currentCa(), 0o644);
  await site.node.write(CLOUD_CONFIG, cloudConfig(trusteeOf(site), cloud.authUrl));
  expect(await cli(site, ['make-cert'])).toMatchObject({ code: 0 });
  const api = stockCluster(trusteeOf(site), cloud.authUrl);
  api.core.put('secrets', 'kube-system', 'ca-bundle', {
    type: 'Opaque',
    data: { 'ca-bundle.crt': base64(currentCa()) },
  });
  api.add(
    'deployments',
    'kube-system',
    'uses-ca',
    {},
    {
      volumes: [{ name: 'ca', secret: { secretName: 'ca-bundle' } }],
    },
  );
  if (role === 'master') site.node.units.serve('kube-apiserver', api.listener);
  return { site, api };
}

const deploy = async (site: Site, values: Record<string, unknown>): Promise<Record<string, unknown>> =>
  await deployCredentials(cloud, site, values);

test('replaces the bundle in its file and in the API, and the pods that read it', async () => {
  const { site, api } = await siteWithBundle();
  const body = await deploy(site, { openstack_ca: bothCas() });
  expect(body).toMatchObject({ deploy_status_code: 0, deploy_stderr: '', files: [BUNDLE] });
  expect(await site.node.read(BUNDLE)).toBe(bothCas());
  expect(objectsOf(api)['secrets/ca-bundle']).toEqual({ 'ca-bundle.crt': bothCas() });
  expect(api.generation('kube-system', 'uses-ca')).toBe(2);
  expect(api.generation('kube-system', 'openstack-cloud-controller-manager')).toBe(2);
  expect(api.generation('kube-system', 'coredns')).toBe(1);
  // What names the bundle reads it when it starts.
  expect(site.node.units.restarts.slice(-3)).toEqual([
    'kube-apiserver',
    'kube-controller-manager',
    'kubelet',
  ]);
  expect((await site.files('/var/lib/coe-agent')).get(FORMER)?.mode).toBe(0o600);
});

test('rejects a bundle with which Keystone is not trusted, and changes nothing', async () => {
  const { site, api } = await siteWithBundle();
  const before = await nodeFiles(site);
  expect(await deploy(site, { openstack_ca: other })).toMatchObject({ deploy_status_code: 1 });
  expect(await lastError(site)).toMatchObject({ reason: 'ca-unknown' });
  expect(await nodeFiles(site)).toEqual(before);
  expect(objectsOf(api)['secrets/ca-bundle']).toEqual({ 'ca-bundle.crt': currentCa() });
});

test.each(['no certificate', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'])(
  'rejects %j',
  async (text) => {
    const { site } = await siteWithBundle('worker');
    expect(await deploy(site, { openstack_ca: text })).toMatchObject({ deploy_status_code: 1 });
    expect(await lastError(site)).toEqual({ code: 'bad-deployment', reason: 'input-no-certificate' });
  },
);

test('changes bundle and login together, and both go back', async () => {
  const { site, api } = await siteWithBundle();
  const file = `${site.node.root}/both.pem`;
  await site.node.write('both.pem', bothCas());
  const before = await nodeFiles(site);
  const objects = objectsOf(api);
  const fresh = JSON.stringify(newTrustee(cloud, 'fresh-password'));
  const said = await cli(site, ['credentials', '--from', '-', '--openstack-ca', file, '--json'], {}, fresh);
  expect(parseObject(said.stdout)).toMatchObject({ changed: true });
  expect(await site.node.read(BUNDLE)).toBe(bothCas());
  expect(objectsOf(api)).not.toEqual(objects);
  expect(await cli(site, ['credentials', '--back'])).toMatchObject({ code: 0 });
  expect(await nodeFiles(site)).toEqual(before);
  expect(objectsOf(api)).toEqual(objects);
});

test('a bundle alone needs no login, and keeps the former login', async () => {
  const { site } = await siteWithBundle('worker');
  const file = `${site.node.root}/both.pem`;
  await site.node.write('both.pem', bothCas());
  cloud.fault({ service: 'keystone', method: 'POST', effect: { kind: 'answer', status: 401 } });
  const said = await cli(site, ['credentials', '--openstack-ca', file]);
  cloud.clearFaults();
  expect(said).toMatchObject({ code: 0 });
  expect(await site.node.read(BUNDLE)).toBe(bothCas());
  const again = await cli(site, ['credentials', '--openstack-ca', file, '--json']);
  expect(parseObject(again.stdout)).toMatchObject({ changed: false, reason: 'has-credentials' });
});

test(
  'killed at any write, the Secret has one bundle or the other, and the next start finishes',
  { timeout: 300_000 },
  async () => {
    const [former, fresh] = [currentCa(), bothCas()].map((text) => ({ 'ca-bundle.crt': text }));
    const kills = await killedAtEachTouch(
      async (instrument) => await siteWithBundle('master', { instrument }),
      async ({ site }) => await deploy(site, { openstack_ca: bothCas() }),
      async ({ site, api }, when) => {
        expect([former, fresh], when).toContainEqual(objectsOf(api)['secrets/ca-bundle']);
        await site.pass();
        expect(objectsOf(api)['secrets/ca-bundle'], when).toEqual(fresh);
        for (const [name, generation] of [...READERS_OF_BUNDLE, ['coredns', 1] as const])
          expect(api.generation('kube-system', name), `${name} ${when}`).toBe(generation);
        expect(new Set(site.signals().map(({ body }) => body?.['deploy_status_code']))).toEqual(new Set([0]));
      },
    );
    // The Secret and two workloads, before and after each.
    expect(kills).toBeGreaterThan(5);
  },
);
