import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { at } from '../cloud/exchange.ts';
import { createKubernetes, type Kubernetes } from '../fakes/kubernetes.ts';
import { socketSystemctl } from '../crash/socket-systemctl.ts';
import { cli } from './support/cli.ts';
import { lastError } from './support/last-error.ts';
import { createSite, type Site } from './support/site.ts';
import type { Systemctl } from '../../src/services/systemctl.ts';

/** A node whose units are started as Magnum's own fragments write them; nothing is configured. */

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(async () => {
  await cloud.close();
});

/** A stock node with a Kubernetes API behind the port of its kube-apiserver. */
async function createMaster(): Promise<{ site: Site; kubernetes: Kubernetes; hasNewAdmin(): boolean }> {
  // It is one of three: without a named phase it would only come to trust the new CA.
  const config = { rotation: { phase: 'all' } };
  const site = await createSite(cloud, { role: 'master', isStock: true, config });
  const kubernetes = createKubernetes();
  for (const name of ['kube-controller-manager', 'kube-scheduler'])
    kubernetes.leaders.set(name, 'master-0_1');
  site.node.units.serve('kube-apiserver', kubernetes.listener);
  const admin = (): string => readFileSync(join(site.node.root, '/etc/kubernetes/certs/admin.crt'), 'utf8');
  const before = admin();
  return { site, kubernetes, hasNewAdmin: () => admin() !== before };
}

const told = (site: Site, name: string): unknown => at(site.signals().at(-1)?.body, name);

const Findings = v.object({
  findings: v.array(
    v.object({ id: v.string(), of: v.optional(v.string()), verdict: v.string(), what: v.string() }),
  ),
});
const doctor = async (site: Site): Promise<v.InferOutput<typeof Findings>['findings']> =>
  v.parse(Findings, JSON.parse((await cli(site, ['doctor', '--json'])).stdout)).findings;

test.each(['master', 'worker'] as const)(
  'a stock %s is rotated where its flags say that it listens',
  async (role) => {
    const site =
      role === 'master' ? (await createMaster()).site : await createSite(cloud, { role, isStock: true });
    await cloud.rotateCa(site.cluster);
    await site.pass();
    expect(told(site, 'deploy_stderr')).toBe('');
    expect(told(site, 'deploy_status_code')).toBe(0);
    const { units } = site.node;
    expect(told(site, 'deploy_stdout')).toContain(
      `kubelet presents /etc/kubernetes/certs/kubelet.crt on 127.0.0.5:${units.port('kubelet')}`,
    );
    if (role === 'master')
      expect(told(site, 'deploy_stdout')).toContain(
        `etcd presents /etc/etcd/certs/server.crt on 127.0.0.5:${units.port('etcd')}`,
      );
  },
);

test('doctor shows each address with what it presents', async () => {
  const { site } = await createMaster();
  const { units } = site.node;
  const all = await doctor(site);
  expect(all).toContainEqual({
    id: 'credential',
    of: 'kube-controller-manager',
    verdict: 'good',
    what: 'the Kubernetes API accepts /etc/kubernetes/admin.conf of kube-controller-manager',
  });
  const found = all.filter(({ id }) => id === 'port' || id === 'health');
  expect(found.every(({ verdict }) => verdict === 'good')).toBe(true);
  const text = found.map(({ what }) => what).join('\n');
  expect(text).toMatch(
    new RegExp(
      `kubelet presents .*CN=system:node:.* until \\d{4}-\\d\\d-\\d\\d, on 127.0.0.5:${units.port('kubelet')}$`,
      'm',
    ),
  );
  expect(text).toMatch(
    new RegExp(
      `kube-apiserver presents CN=kubernetes, until .* on 127.0.0.1:${units.port('kube-apiserver')}$`,
      'm',
    ),
  );
  // It has --secure-port=0.
  expect(found.map(({ of }) => of)).not.toContain('kube-controller-manager');
});

test('a port that is silent before the rotation refuses it there and then', async () => {
  const site = await createSite(cloud, { role: 'worker', isStock: true });
  const kubelet = await site.node.read('/etc/kubernetes/kubelet');
  // Nobody answers at the port of `discard`.
  await site.node.write('/etc/kubernetes/kubelet', kubelet.replace(/ --port=\d+/, ' --port=9'));
  expect(await doctor(site)).toContainEqual(
    expect.objectContaining({ id: 'port', of: 'kubelet', verdict: 'bad' }),
  );
  const before = await site.files('/etc/kubernetes/certs');
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(told(site, 'deploy_status_code')).toBe(1);
  expect(await lastError(site)).toEqual({ code: 'precondition', reason: 'port' });
  expect(site.restarts()).toEqual([]);
  expect(await site.files('/etc/kubernetes/certs')).toEqual(before);
});

test('what the operator says overrides what a unit says', async () => {
  const site = await createSite(cloud, { role: 'worker', isStock: true });
  const port = site.node.units.port('kubelet');
  const kubelet = await site.node.read('/etc/kubernetes/kubelet');
  await site.node.write('/etc/kubernetes/kubelet', kubelet.replace(/ --port=\d+/, ' --port=9'));
  await site.node.write(
    '/etc/coe-agent/agent.d/kubelet.yaml',
    `services: { units: { kubelet: { port: ${port} } } }\n`,
  );
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(told(site, 'deploy_status_code')).toBe(0);
});

test('a silent port keeps nobody from restarting its unit', async () => {
  const site = await createSite(cloud, { role: 'worker', isStock: true });
  const kubelet = await site.node.read('/etc/kubernetes/kubelet');
  await site.node.write(
    '/etc/kubernetes/kubelet',
    kubelet.replace(/ --healthz-port=\d+/, ' --healthz-port=9'),
  );
  expect((await cli(site, ['restart', '--unit', 'kube-proxy', '--unit', 'kubelet'])).stdout).toContain(
    'silent',
  );
  expect(site.restarts()).toContain('kubelet');
});

test('a unit whose files cannot be read is taken as its layout has it, and that is logged', async () => {
  const site = await createSite(cloud, { role: 'worker', isStock: true });
  await site.node.write('/etc/kubernetes/kubelet', 'KUBELET_ARGS="--config=/etc/kubernetes/none.yaml"\n');
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(site.log.join('')).toContain('unit-unasked');
});

test('a unit without a port whose credential the API refuses is not proven, though it is active', async () => {
  const { site, kubernetes, hasNewAdmin } = await createMaster();
  const before = await site.files('/etc/kubernetes/certs');
  kubernetes.instead = ({ client, path }) =>
    path === '/api' && client.includes('admin') && hasNewAdmin() ? { status: 401 } : undefined;
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(told(site, 'deploy_status_code')).toBe(1);
  expect(await lastError(site)).toEqual({
    code: 'proof',
    reason: 'credential-refused',
    node: 'taken-back',
  });
  expect(await site.files('/etc/kubernetes/certs')).toEqual(before);
});

test.each(['kube-controller-manager', 'kube-scheduler'])(
  'a %s whose lease nobody renews is not proven, though it is well',
  async (unit) => {
    const { site, kubernetes, hasNewAdmin } = await createMaster();
    kubernetes.instead = () => {
      if (hasNewAdmin()) kubernetes.stale.add(unit);
      else kubernetes.stale.delete(unit);
      return undefined;
    };
    await cloud.rotateCa(site.cluster);
    await site.pass();
    expect(told(site, 'deploy_status_code')).toBe(1);
    expect(await lastError(site)).toEqual({
      code: 'proof',
      reason: 'lease-not-renewed',
      node: 'taken-back',
    });
  },
);

/** Rotates; something else happens when one of the units has been restarted, once. */
async function rotateWhile(site: Site, of: string, happens: () => void): Promise<string> {
  const real = socketSystemctl(join(site.node.root, 'run/units.sock'));
  let isDone = false;
  const systemctl = (): Systemctl => ({
    ...real,
    restart: async (unit, abort) => {
      await real.restart(unit, abort);
      if (unit === of && !isDone) happens();
      isDone ||= unit === of;
    },
  });
  await cloud.rotateCa(site.cluster);
  return (await cli(site, ['run-once'], { systemctl })).stdout;
}

test('a scheduler that exits because its API server was away, and comes back, is waited for', async () => {
  const { site } = await createMaster();
  const said = await rotateWhile(site, 'kubelet', () => {
    site.node.units.startAgain('kube-scheduler');
  });
  expect(told(site, 'deploy_stderr')).toBe('');
  expect(told(site, 'deploy_status_code')).toBe(0);
  expect(said).toContain('the unit kube-scheduler ended and is started again by systemd');
});

test('a unit without a port that ends after each start is found by systemd, not at its deadline', async () => {
  const { site } = await createMaster();
  await site.node.write('/etc/coe-agent/agent.d/patience.yaml', 'services: { deadline_seconds: 600 }\n');
  site.node.units.breakUnit('kube-controller-manager', 'is started again and again');
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(told(site, 'deploy_status_code')).toBe(1);
  expect(['unit-loops', 'unit-restarted']).toContain((await lastError(site))?.reason);
  expect(site.clock.sleeps.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(60_000);
});

test.each(['kube-scheduler', 'kube-controller-manager', 'kube-proxy'])(
  'on the way back %s is restarted, which systemd started with the new files and the agent never reached',
  async (unit) => {
    const { site } = await createMaster();
    const { units } = site.node;
    units.breakUnit('etcd', 'fails to start once');
    await rotateWhile(site, 'etcd', () => {
      units.startAgain(unit);
    });
    expect(told(site, 'deploy_status_code')).toBe(1);
    expect(await lastError(site)).toMatchObject({ reason: 'unit-ended', node: 'taken-back' });
    expect(site.restarts()).toEqual(['etcd', 'etcd', unit]);
    expect(units.hasRead(unit)).toBe(units.wouldRead());
  },
);
