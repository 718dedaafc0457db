import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { parseObject } from '../cloud/exchange.ts';
import { createKubernetes, type Kubernetes } from '../fakes/kubernetes.ts';
import { failure } from '../fakes/kubernetes-status.ts';
import { fingerprintOf } from './support/certificates.ts';
import { cli } from './support/cli.ts';
import { lastError } from './support/last-error.ts';
import { createSite, type Role, type Site, type SiteSpec } from './support/site.ts';
import { noticesIn, stepsIn } from './support/notices.ts';

const cloud = await cloudForFile();

const KEY = 'coe-agent/ca-fingerprint';

/** Makes a node, and the API server of its cluster with workloads of each kind. */
async function siteWithWorkloads(
  spec: SiteSpec = {},
  role: Role = 'master',
): Promise<{ site: Site; api: Kubernetes }> {
  const site = await createSite(cloud, { role, ...spec });
  const api = createKubernetes();
  for (const name of ['coredns', 'autoscaler', 'dashboard']) api.add('deployments', 'kube-system', name);
  api.add('deployments', 'shop', 'web', { replicas: 3 });
  api.add('daemonsets', 'kube-system', 'proxy', { updateStrategy: { type: 'RollingUpdate' } });
  api.add('statefulsets', 'shop', 'db', { replicas: 2, updateStrategy: { type: 'RollingUpdate' } });
  if (role === 'master') site.node.units.serve('kube-apiserver', api.listener);
  return { site, api };
}

const ALL = [
  ['kube-system', 'coredns'],
  ['kube-system', 'autoscaler'],
  ['kube-system', 'dashboard'],
  ['kube-system', 'proxy'],
  ['shop', 'web'],
  ['shop', 'db'],
] as const;
const marks = (api: Kubernetes): (string | undefined)[] =>
  ALL.map(([namespace, name]) => api.annotations(namespace, name)[KEY]);

type Told = { code: unknown; stdout: string; stderr: string };

/** Rotates the CA with a custom deployment, and returns the answer to Heat. */
async function rotate(
  site: Site,
  values: Record<string, unknown> = { restart_workloads: true },
): Promise<Told> {
  await cloud.rotateCa(site.cluster);
  await site.pass();
  return await ask(site, values);
}

async function ask(site: Site, values: Record<string, unknown>): Promise<Told> {
  cloud.deploy(site.cluster, site.server, {
    resource: 'rotate-and-restart',
    group: 'coe-rotate',
    inputs: [...Object.keys(values), 'again'].map((name) => ({ name, type: 'Json' })),
    values: { ...values, again: (again += 1) },
  });
  await site.pass();
  const body = site.signals().at(-1)?.body;
  return {
    code: body?.['deploy_status_code'],
    stdout: String(body?.['deploy_stdout']),
    stderr: String(body?.['deploy_stderr']),
  };
}
let again = 0;

const current = ({ cluster }: Site): string => fingerprintOf(cluster.ca.kubernetes);

test("marks every workload with the new CA's fingerprint as admin, and again in the next rotation", async () => {
  const { site, api } = await siteWithWorkloads();
  const first = await rotate(site);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toContain('the pods of 4 deployments, 1 daemonsets, 1 statefulsets are replaced\n');
  expect(first.stdout).toContain('all pods of kube-system are available\n');
  expect(marks(api)).toEqual(ALL.map(() => current(site)));
  expect(new Set(api.asked.map(({ client }) => client))).toEqual(new Set(['system:masters admin']));
  expect(api.lease).toMatchObject({
    holder: site.cluster.heatParams('master')['INSTANCE_NAME'],
    annotations: { [KEY]: current(site), 'coe-agent/state': 'done' },
  });

  const before = current(site);
  await rotate(site);
  expect(current(site)).not.toBe(before);
  expect(marks(api)).toEqual(ALL.map(() => current(site)));
  expect(api.generation('shop', 'web')).toBe(3);
});

test('restarts no workload without the input, and all if configured', async () => {
  const { site, api } = await siteWithWorkloads();
  const aboutWorkloads = () => api.asked.filter(({ path }) => path.startsWith('/apis/'));
  expect(await rotate(site, {})).toMatchObject({ code: 0 });
  expect(aboutWorkloads()).toEqual([]);
  await site.node.configure({ workloads: { restart: true } });
  expect(await ask(site, { restart_workloads: false })).toMatchObject({ code: 0 });
  expect(aboutWorkloads()).toEqual([]);
  expect(await ask(site, {})).toMatchObject({ code: 0 });
  expect(marks(api)).toEqual(ALL.map(() => current(site)));
});

test('works on a master with one certificate for everything', async () => {
  const { site, api } = await siteWithWorkloads({ layout: 'kubernetes-pki' });
  expect(await rotate(site)).toMatchObject({ code: 0, stderr: '' });
  expect(marks(api)).toEqual(ALL.map(() => current(site)));
});

test('is skipped and reported on a worker', async () => {
  const { site } = await siteWithWorkloads({}, 'worker');
  const { code, stdout } = await rotate(site);
  expect(code).toBe(0);
  expect(stepsIn(site.progress)).not.toContain('restart-workloads');
  expect(stdout).toContain('has no Kubernetes API: restart the workloads on a master');
});

test('rejects a value that is neither true nor false', async () => {
  const { site } = await siteWithWorkloads();
  expect(await ask(site, { restart_workloads: 'perhaps' })).toMatchObject({ code: 1 });
  expect(await lastError(site)).toEqual({ code: 'bad-deployment', reason: 'input-not-a-flag' });
});

const lease = (site: Site, state: string, renewTime: string) => ({
  holder: 'another-master',
  annotations: { [KEY]: current(site), 'coe-agent/state': state },
  renewTime,
});

const mounts = (path: string) => ({ volumes: [{ name: 'certs', hostPath: { path } }] });
const generations = (api: Kubernetes): number[] => [
  api.generation('kube-system', 'k8s-keystone-auth'),
  api.generation('shop', 'node-exporter'),
];

const addMounts = (api: Kubernetes): void => {
  api.add('daemonsets', 'kube-system', 'k8s-keystone-auth', {}, mounts('/etc/kubernetes/certs'));
  api.add('daemonsets', 'shop', 'node-exporter', {}, mounts('/'));
};

describe('pods that mount certificates of the node', () => {
  test('are replaced by each master after its own rotation, also if another one has restarted all', async () => {
    const { site, api } = await siteWithWorkloads();
    addMounts(api);
    await cloud.rotateCa(site.cluster);
    api.lease = lease(site, 'done', new Date().toISOString().replace('Z', '000Z'));
    await site.pass();
    expect(await ask(site, { restart_workloads: true })).toMatchObject({ code: 0 });
    expect(marks(api)).toEqual(ALL.map(() => undefined));
    expect(generations(api)).toEqual([2, 1]);
    // With the same certificates there is nothing to do.
    expect(await cli(site, ['restart', '--workloads'])).toMatchObject({ code: 0 });
    expect(generations(api)).toEqual([2, 1]);
  });

  test('are replaced once by the master that restarts all', async () => {
    const { site, api } = await siteWithWorkloads();
    addMounts(api);
    expect(await rotate(site)).toMatchObject({ code: 0 });
    expect(generations(api)).toEqual([2, 2]);
  });

  test('stay where workloads are not to be restarted', async () => {
    const { site, api } = await siteWithWorkloads();
    addMounts(api);
    expect(await rotate(site, {})).toMatchObject({ code: 0 });
    expect(generations(api)).toEqual([1, 1]);
  });
});

const repair = async (isWanted: boolean): Promise<{ site: Site; api: Kubernetes }> => {
  const made = await siteWithWorkloads({ config: { workloads: { restart: isWanted, per_second: 100 } } });
  addMounts(made.api);
  expect(await cli(made.site, ['repair', '--force'])).toMatchObject({ code: 0 });
  expect(marks(made.api)).toEqual(ALL.map(() => undefined));
  return made;
};

describe('new certificates of the same CA', () => {
  test('replace the pods that mount the certificates, and no others', async () => {
    const { site, api } = await repair(true);
    expect(generations(api)).toEqual([2, 1]);
    expect(await cli(site, ['repair', '--force'])).toMatchObject({ code: 0 });
    expect(generations(api)).toEqual([3, 1]);
  });

  test('replace no pods where workloads are not to be restarted', async () => {
    const { api } = await repair(false);
    expect(generations(api)).toEqual([1, 1]);
  });
});

describe('on several masters', () => {
  test.each([
    ['rolling', 'the workloads are restarted by another-master'],
    ['done', 'the workloads have been restarted for this CA already, by another-master'],
  ])('leaves nothing to do if another master is %s', async (state, words) => {
    const { site, api } = await siteWithWorkloads();
    await cloud.rotateCa(site.cluster);
    api.lease = lease(site, state, new Date().toISOString().replace('Z', '000Z'));
    await site.pass();
    const { code, stdout } = await ask(site, { restart_workloads: true });
    expect(code).toBe(0);
    expect(stdout).toContain(words);
    expect(marks(api)).toEqual(ALL.map(() => undefined));
  });

  test('takes over from a master that takes too long', async () => {
    const { site, api } = await siteWithWorkloads();
    await cloud.rotateCa(site.cluster);
    api.lease = lease(site, 'rolling', '2026-01-01T00:00:00.000000Z');
    await site.pass();
    await ask(site, { restart_workloads: true });
    expect(marks(api)).toEqual(ALL.map(() => current(site)));
  });

  test('yields to a master that writes the lease first', async () => {
    const { site, api } = await siteWithWorkloads();
    await cloud.rotateCa(site.cluster);
    await site.pass();
    let written = false;
    api.instead = ({ method, path }) => {
      if (written || method !== 'POST' || !path.endsWith('/leases')) return undefined;
      written = true;
      api.lease = lease(site, 'rolling', new Date().toISOString().replace('Z', '000Z'));
      return undefined;
    };
    const { stdout } = await ask(site, { restart_workloads: true });
    expect(stdout).toContain('another-master');
  });
});

test('restarts them only once the cluster gives its pods the new CA', async () => {
  const { site, api } = await siteWithWorkloads();
  api.podsCa = site.cluster.ca.kubernetes;
  await cloud.rotateCa(site.cluster);
  await site.pass();
  let times = 0;
  api.instead = ({ path }) => {
    if (!path.endsWith('kube-root-ca.crt')) return undefined;
    times += 1;
    expect(marks(api)).toEqual(ALL.map(() => undefined));
    if (times === 3) api.podsCa = site.cluster.ca.kubernetes;
    return undefined;
  };
  expect(await ask(site, { restart_workloads: true })).toMatchObject({ code: 0 });
  expect(times).toBe(3);
  expect(marks(api)).toEqual(ALL.map(() => current(site)));
});

test('reports a cluster that keeps another CA, and lets another master try', async () => {
  const { site, api } = await siteWithWorkloads();
  api.podsCa = site.cluster.ca.etcd;
  expect(await rotate(site)).toMatchObject({ code: 0 });
  expect(noticesIn(site.progress)).toEqual(['workloads']);
  expect(marks(api)).toEqual(ALL.map(() => undefined));
  expect(api.lease).toMatchObject({ holder: '', annotations: { 'coe-agent/state': 'open' } });
});

test('sends at most the configured number of requests a second', async () => {
  const { site } = await siteWithWorkloads({ config: { workloads: { per_second: 0.5 } } });
  await rotate(site);
  expect(site.clock.sleeps.filter((ms) => ms === 2000).length).toBeGreaterThanOrEqual(ALL.length);
});

test('retries a busy API no sooner than it asks, and skips a deleted workload', async () => {
  const { site, api } = await siteWithWorkloads();
  const refusals = [
    {
      ...failure(429, 'TooManyRequests', 'the server has asked for the client to backoff'),
      headers: { 'retry-after': '7' },
    },
    failure(409, 'Conflict', 'the object has been modified'),
    failure(503, 'ServiceUnavailable', 'apiserver is shutting down'),
  ];
  api.instead = ({ method, path }) => {
    if (method !== 'PATCH') return undefined;
    if (path.includes('/autoscaler'))
      return failure(404, 'NotFound', 'deployments.apps "autoscaler" not found');
    return refusals.shift();
  };
  expect(await rotate(site)).toMatchObject({ code: 0 });
  expect(noticesIn(site.progress)).toEqual([]);
  expect(marks(api)).toEqual(ALL.map(([, name]) => (name === 'autoscaler' ? undefined : current(site))));
  expect(site.clock.sleeps.some((ms) => ms >= 7000)).toBe(true);
});

test('restarts a list whose continue token has expired', async () => {
  const { site, api } = await siteWithWorkloads({ config: { workloads: { per_second: 100 } } });
  // More than a page.
  for (let number = 0; number < 100; number += 1) api.add('deployments', 'many', `w-${number}`);
  let times = 0;
  api.instead = ({ path }) => {
    if (path.includes('continue=') && times === 0) api.forgetPlaces();
    if (path.includes('continue=')) times += 1;
    return undefined;
  };
  const { code } = await rotate(site);
  expect({ code, times }).toEqual({ code: 0, times: 2 });
  for (let number = 0; number < 100; number += 1)
    expect(api.annotations('many', `w-${number}`)[KEY]).toBe(current(site));
  expect(marks(api)).toEqual(ALL.map(() => current(site)));
});

test("reports a rejection with the API's words, and completes the rotation", async () => {
  const { site, api } = await siteWithWorkloads();
  api.instead = ({ path }) =>
    path.includes('/statefulsets') ? failure(403, 'Forbidden', 'statefulsets.apps is forbidden') : undefined;
  const files = await site.files();
  const { code, stdout } = await rotate(site);
  expect(code).toBe(0);
  expect(noticesIn(site.progress)).toEqual(['workloads']);
  expect(stdout).toContain('403 statefulsets.apps is forbidden');
  expect(await site.files()).not.toEqual(files);
  // Once that is repaired, the next request continues where it ended.
  api.instead = () => undefined;
  const patched = api.generation('shop', 'web');
  expect(await ask(site, { restart_workloads: true })).toMatchObject({ code: 0 });
  expect(marks(api)).toEqual(ALL.map(() => current(site)));
  expect(api.generation('shop', 'web')).toBe(patched);
});

test('reports a slow or paused roll-out, without a failure', async () => {
  const { site, api } = await siteWithWorkloads();
  api.stick('coredns');
  api.stick('web');
  api.add('deployments', 'shop', 'old-shop', { paused: true });
  api.add('daemonsets', 'kube-system', 'storage', { updateStrategy: { type: 'OnDelete' } });
  const { code, stdout } = await rotate(site);
  expect(code).toBe(0);
  expect(noticesIn(site.progress)).toEqual(['workloads', 'workloads', 'workloads']);
  expect(stdout).toContain('kube-system/coredns');
  // Of another namespace: it is not awaited.
  expect(stdout).not.toContain('shop/web');
  expect(stdout).toContain('shop/old-shop');
  expect(stdout).toContain('kube-system/storage');
});

test('sends nothing to an API server with another certificate than its own', async () => {
  const { site, api } = await siteWithWorkloads();
  site.node.units.breakUnit('kube-apiserver', 'keeps the old certificate');
  await cloud.rotateCa(site.cluster);
  await site.pass();
  // It is not proven, so the rotation rolls back before the API is asked for more than its Nodes.
  expect(site.signals().at(-1)?.body).toMatchObject({ deploy_status_code: 1 });
  expect(api.asked.filter(({ path }) => !path.startsWith('/api/v1/nodes'))).toEqual([]);
});

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'after %s in the middle, continues at its next start, and repeats nothing',
  { timeout: 120_000 },
  async (signal) => {
    const { site, api } = await siteWithWorkloads({
      config: { workloads: { restart: true, per_second: 100 } },
    });
    await cloud.rotateCa(site.cluster);
    const child = site.node.start('run-once');
    let patched = 0;
    api.instead = ({ method }) => {
      if (method === 'PATCH') patched += 1;
      if (patched === 3) child.kill(signal);
      return undefined;
    };
    await once(child, 'close');
    const done = marks(api).filter((mark) => mark !== undefined).length;
    expect(done).toBeGreaterThanOrEqual(2);
    expect(done).toBeLessThan(ALL.length);
    // The certificates are proven, and nothing has been reported yet.
    expect(site.signals()).toEqual([]);
    api.instead = () => undefined;

    const { code, stderr } = await site.node.agent('run-once');
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(marks(api)).toEqual(ALL.map(() => current(site)));
    expect(ALL.map(([namespace, name]) => api.generation(namespace, name))).toEqual(ALL.map(() => 2));
    expect(site.signals().map(({ body }) => body?.['deploy_status_code'])).toEqual([0]);
    expect(api.lease).toMatchObject({ annotations: { 'coe-agent/state': 'done' } });
  },
);

test('rolls nothing back for a service that fails after a kill once pods have the new CA', async () => {
  const { site, api } = await siteWithWorkloads({
    config: { workloads: { restart: true, per_second: 100 } },
  });
  await cloud.rotateCa(site.cluster);
  const child = site.node.start('run-once');
  api.instead = ({ method }) => {
    if (method === 'PATCH') child.kill('SIGKILL');
    return undefined;
  };
  await once(child, 'close');
  api.instead = () => undefined;
  const restarted = site.restarts();
  site.node.units.breakUnit('etcd', 'fails to start');

  const { code, stderr } = await site.node.agent('run-once');
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(marks(api)).toEqual(ALL.map(() => current(site)));
  // They were proven before the first pod was replaced.
  expect(site.restarts()).toEqual(restarted);
  expect(site.signals().map(({ body }) => body?.['deploy_status_code'])).toEqual([0]);
});

test('agent restart --workloads does it by hand, but not on a worker', async () => {
  const { site, api } = await siteWithWorkloads();
  const { code, stdout } = await cli(site, ['restart', '--workloads', '--json']);
  expect({ code, stdout }).toMatchObject({ code: 0 });
  expect(parseObject(stdout)).toMatchObject({
    done: true,
    said: [{ code: 'replaced' }, { code: 'complete' }],
  });
  expect(marks(api)).toEqual(ALL.map(() => current(site)));
  expect(site.restarts()).toEqual([]);
  api.instead = () => failure(403, 'Forbidden', 'nobody may');
  const refused = await cli(site, ['restart', '--workloads', '--json']);
  expect(refused.code).toBe(1);
  expect(parseObject(refused.stdout)).toMatchObject({ done: false, said: [{ code: 'failed' }] });

  const worker = await siteWithWorkloads({}, 'worker');
  const without = await cli(worker.site, ['restart', '--workloads', '--json']);
  expect(parseObject(without.stdout)).toMatchObject({ error: { code: 'precondition' } });
});

test('agent plan names it', async () => {
  const { site } = await siteWithWorkloads({ config: { workloads: { restart: true } } });
  await cloud.rotateCa(site.cluster);
  const { stdout } = await site.node.agent('plan');
  expect(stdout).toMatch(/restart the cluster's workloads through 127\.0\.0\.1:\d+/);
  expect(stdout).toContain('2 per second; waits for those of kube-system');
});
