import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { createKubernetes, type Kubernetes } from '../fakes/kubernetes.ts';
import { failure } from '../fakes/kubernetes-status.ts';
import {
  LONE_READERS,
  objectsOf,
  objectsWith,
  putLonePods,
  READERS,
  stockCluster,
} from './support/cluster-login.ts';
import { killedAtEachTouch } from './support/mortal.ts';
import { noticesIn } from './support/notices.ts';
import { createSite, type Site, type SiteSpec } from './support/site.ts';
import {
  CLOUD_CONFIGS,
  cloudConfig,
  deployCredentials,
  newTrustee,
  type Trustee,
  trusteeOf,
} from './support/trustee.ts';

const cloud = await cloudForFile();

/** Its password stands in YAML without quotes. */
const another = (): Trustee => newTrustee(cloud, `fresh-${randomBytes(8).toString('hex')}`);

async function stockMaster(spec: SiteSpec = {}): Promise<{ site: Site; api: Kubernetes; old: Trustee }> {
  const site = await createSite(cloud, {
    role: 'master',
    config: { workloads: { per_second: 100 } },
    ...spec,
  });
  const old = trusteeOf(site);
  for (const [path, more] of Object.entries(CLOUD_CONFIGS))
    await site.node.write(path, cloudConfig(old, cloud.authUrl) + more);
  const api = stockCluster(old, cloud.authUrl);
  site.node.units.serve('kube-apiserver', api.listener);
  return { site, api, old };
}

const change = async (site: Site, trustee: Partial<Trustee>): Promise<Record<string, unknown>> =>
  await deployCredentials(cloud, site, { ...trustee });

const base64 = (text: string): string => Buffer.from(text).toString('base64');

const Told = v.optional(v.array(v.object({ code: v.string(), of: v.optional(v.string()) })), []);
const told = (body: Record<string, unknown>): v.InferOutput<typeof Told> => v.parse(Told, body['objects']);
const codes = (body: Record<string, unknown>, code: string): (string | undefined)[] =>
  told(body).flatMap((one) => (one.code === code ? [one.of] : []));
const lastApplied = (api: Kubernetes): string =>
  JSON.stringify(api.core.find('secrets', 'kube-system', 'cinder-csi-cloud-config')?.['metadata']);
const patched = (api: Kubernetes): string[] =>
  api.asked.flatMap(({ method, path }) => {
    const [, name] = /\/apis\/apps\/.*\/([^/?]+)\?/.exec(path) ?? [];
    return method === 'PATCH' && name !== undefined ? [name] : [];
  });

describe('a master with the API of a stock cluster', () => {
  test('gives every object the new login and replaces the pods that read it, OCCM first', async () => {
    const { site, api, old } = await stockMaster();
    const fresh = another();
    const body = await change(site, fresh);
    expect(body).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
    expect(objectsOf(api)).toEqual(objectsWith(fresh, cloud.authUrl));
    expect(new Set(codes(body, 'object-changed'))).toEqual(
      new Set([
        'ConfigMap kube-system/magnum-auto-healer-config',
        'ConfigMap kube-system/octavia-ingress-controller-config',
        'Secret kube-system/cinder-csi-cloud-config',
        'Secret kube-system/cluster-autoscaler-cloud-config',
        'Secret kube-system/os-trustee',
      ]),
    );
    expect(codes(body, 'replaced').map((of) => of?.split('/')[1])).toEqual(READERS);
    expect(patched(api)).toEqual(READERS);
    expect(told(body).filter(({ code }) => !['object-changed', 'replaced'].includes(code))).toEqual([]);
    expect(lastApplied(api)).toContain(fresh.trust_id);
    expect(lastApplied(api)).not.toContain(old.trustee_password);
  });

  test('changes a password alone, in the same trust', async () => {
    const { site, api, old } = await stockMaster();
    const user = cloud.identity.findUser(old.trustee_user_id);
    const password = 'a "new" one: $1 #x';
    if (user) user.password = password;
    expect(await change(site, { trustee_password: password })).toMatchObject({ deploy_status_code: 0 });
    const all = objectsOf(api);
    expect(all['secrets/os-trustee']).toMatchObject({ 'os-trusteePassword': password });
    expect(JSON.stringify(all)).not.toContain(old.trustee_password);
  });

  test('names what it does not understand and leaves the logins of others', async () => {
    const { site, api, old } = await stockMaster();
    api.core.put('secrets', 'shop', 'odd', {
      type: 'Opaque',
      data: { xml: base64(`<t>${old.trust_id}</t>`) },
    });
    api.core.put('configmaps', 'shop', 'twice', { data: { 'a.b64': base64(`x${old.trustee_password}`) } });
    const elses = base64('[Global]\nuser-id=u\npassword=other-password\ntrust-id=t\n');
    api.core.put('secrets', 'shop', 'elses', { type: 'Opaque', data: { conf: elses } });
    api.core.put('secrets', 'shop', 'immutable', {
      immutable: true,
      data: { trust_id: base64(old.trust_id) },
    });
    const body = await change(site, another());
    expect(body).toMatchObject({ deploy_status_code: 0 });
    expect(new Set(codes(body, 'object-left'))).toEqual(
      new Set(['ConfigMap shop/twice', 'Secret shop/immutable', 'Secret shop/odd']),
    );
    expect(api.core.find('secrets', 'shop', 'elses')).toMatchObject({ data: { conf: elses } });
  });

  test('names the running pods and Jobs that nothing replaces, and no others', async () => {
    const { site, api } = await stockMaster();
    // Certificates and starts of pods have whole seconds.
    putLonePods(api, new Date(site.clock.now() - 60_000));
    const body = await change(site, another());
    expect(body).toMatchObject({ deploy_status_code: 0 });
    expect(codes(body, 'pod-left')).toEqual(LONE_READERS);
    expect(noticesIn(site.progress)).toContain(`cluster-login ${LONE_READERS[0] ?? ''}`);
    expect(patched(api)).toEqual(READERS);

    const later = await stockMaster();
    putLonePods(later.api, new Date(later.site.clock.now() + 600_000));
    expect(codes(await change(later.site, another()), 'pod-left')).toEqual([]);
  });

  test('reads an object again that others change at the same time', async () => {
    const { site, api } = await stockMaster();
    let conflicts = 0;
    api.instead = ({ method, path }) => {
      if (method !== 'PATCH' || !path.includes('/secrets/os-trustee') || conflicts > 0) return undefined;
      conflicts += 1;
      const now = api.core.find('secrets', 'kube-system', 'os-trustee');
      const data = { ...v.parse(v.looseObject({}), now?.['data']), added: 'bWVhbndoaWxl' };
      api.core.put('secrets', 'kube-system', 'os-trustee', { ...now, data });
      return undefined;
    };
    const fresh = another();
    expect(await change(site, fresh)).toMatchObject({ deploy_status_code: 0 });
    expect(conflicts).toBe(1);
    expect(objectsOf(api)['secrets/os-trustee']).toMatchObject({
      'os-trustID': fresh.trust_id,
      added: 'meanwhile',
    });
  });

  test('reports an API that does not answer, and a later pass changes the objects', async () => {
    const { site, api } = await stockMaster({
      config: { workloads: { per_second: 100, deadline_seconds: 5 } },
    });
    api.instead = ({ path }) => (path.includes('secrets') ? failure(503, 'x', 'away') : undefined);
    const fresh = another();
    const body = await change(site, fresh);
    expect(body).toMatchObject({ deploy_status_code: 0 });
    expect(told(body)).toMatchObject([{ code: 'failed' }]);
    api.instead = () => undefined;
    site.clock.jump(61_000);
    await site.pass();
    expect(objectsOf(api)).toEqual(objectsWith(fresh, cloud.authUrl));
    expect(patched(api)).toEqual(READERS);
  });

  test('waits for another master, and leaves the work to it in the end', async () => {
    const { site, api } = await stockMaster({
      config: { workloads: { per_second: 100, deadline_seconds: 4 } },
    });
    const lease = {
      kind: 'Lease',
      apiVersion: 'coordination.k8s.io/v1',
      metadata: { name: 'coe-agent-credentials', namespace: 'kube-system', resourceVersion: '1' },
      spec: {
        holderIdentity: 'master-1',
        leaseDurationSeconds: 1800,
        renewTime: '2126-01-01T00:00:00.000000Z',
      },
    };
    let isHeld = true;
    api.instead = ({ path }) =>
      isHeld && path.includes('coe-agent-credentials') ? { status: 200, body: lease } : undefined;
    const body = await change(site, another());
    expect(told(body)).toMatchObject([{ code: 'elsewhere', of: 'master-1' }]);
    expect(patched(api)).toEqual([]);
    isHeld = false;
    site.clock.jump(61_000);
    await site.pass();
    expect(patched(api)).toEqual(READERS);
  });

  test('names pods that are not ready in time', async () => {
    const { site, api } = await stockMaster({
      config: { workloads: { per_second: 100, deadline_seconds: 5 } },
    });
    api.stick('openstack-cloud-controller-manager');
    const body = await change(site, another());
    expect(body).toMatchObject({ deploy_status_code: 0 });
    expect(codes(body, 'late')).toEqual(['daemonset kube-system/openstack-cloud-controller-manager']);
    expect(patched(api)).toEqual(READERS);
  });
});

test('a second master finds the objects changed and replaces those that read its own files alone', async () => {
  const { site, api } = await stockMaster();
  const fresh = another();
  await change(site, fresh);
  const other = await createSite(cloud, { role: 'master', config: { workloads: { per_second: 100 } } });
  const former = trusteeOf(other);
  for (const [path, more] of Object.entries(CLOUD_CONFIGS))
    await other.node.write(path, cloudConfig(former, cloud.authUrl) + more);
  other.node.units.serve('kube-apiserver', api.listener);
  const from = patched(api).length;
  const body = await change(other, fresh);
  expect(body).toMatchObject({ deploy_status_code: 0 });
  expect(codes(body, 'object-changed')).toEqual([]);
  expect(patched(api).slice(from)).toEqual(['openstack-cloud-controller-manager']);
});

test('a worker changes nothing in the API', async () => {
  const api = createKubernetes();
  const site = await createSite(cloud, { role: 'worker' });
  expect(await change(site, another())).toMatchObject({ deploy_status_code: 0 });
  expect(api.asked).toEqual([]);
});

test(
  'killed at any write, each object has one login or the other, and the next start finishes',
  { timeout: 300_000 },
  async () => {
    const kills = await killedAtEachTouch(
      async (instrument) => ({ ...(await stockMaster({ instrument })), fresh: another() }),
      async ({ site, fresh }) => await change(site, fresh),
      async ({ site, api, old, fresh }, when) => {
        const [before, after] = [objectsWith(old, cloud.authUrl), objectsWith(fresh, cloud.authUrl)];
        for (const [name, object] of Object.entries(objectsOf(api)))
          expect([before[name], after[name]], `${name} ${when}`).toContainEqual(object);
        await site.pass();
        expect(objectsOf(api), when).toEqual(after);
        for (const name of READERS) expect(api.generation('kube-system', name), `${name} ${when}`).toBe(2);
        // A kill after the signal sends it again.
        expect(new Set(site.signals().map(({ body }) => body?.['deploy_status_code']))).toEqual(new Set([0]));
      },
    );
    // Five objects and six workloads, before and after each.
    expect(kills).toBeGreaterThan(20);
  },
);
