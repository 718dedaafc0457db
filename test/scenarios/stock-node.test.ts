import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { at } from '../cloud/exchange.ts';
import { createKubernetes, type Kubernetes } from '../fakes/kubernetes.ts';
import { socketSystemctl } from '../crash/socket-systemctl.ts';
import { cli } from './support/cli.ts';
import { lastError } from './support/last-error.ts';
import { createSite, type Site } from './support/site.ts';
import type { Systemctl } from '../../src/services/systemctl.ts';

/** A node with units as Magnum's own fragments write them, and no configuration. */

const cloud = await cloudForFile();

/** Makes a stock node with a Kubernetes API behind its kube-apiserver's port. */
async function createMaster(): Promise<{ site: Site; kubernetes: Kubernetes; hasNewAdmin(): boolean }> {
  // One of three masters: without a named phase it would only trust the new CA.
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
    v.object({
      id: v.string(),
      of: v.optional(v.string()),
      verdict: v.string(),
      what: v.string(),
      url: v.optional(v.string()),
    }),
  ),
});
const doctor = async (site: Site): Promise<v.InferOutput<typeof Findings>['findings']> =>
  v.parse(Findings, JSON.parse((await cli(site, ['doctor', '--json'])).stdout)).findings;

test.each(['master', 'worker'] as const)(
  'rotates a stock %s, and probes units where their flags say they listen',
  async (role) => {
    const site =
      role === 'master' ? (await createMaster()).site : await createSite(cloud, { role, isStock: true });
    await cloud.rotateCa(site.cluster);
    await site.pass();
    expect(told(site, 'deploy_stderr')).toBe('');
    expect(told(site, 'deploy_status_code')).toBe(0);
    const { units } = site.node;
    expect(told(site, 'deploy_stdout')).toContain(
      `/etc/kubernetes/certs/kubelet.crt on 127.0.0.5:${units.port('kubelet')}`,
    );
    if (role === 'master')
      expect(told(site, 'deploy_stdout')).toContain(
        `/etc/etcd/certs/server.crt on 127.0.0.5:${units.port('etcd')}`,
      );
  },
);

test('doctor shows each address with the certificate that it presents', async () => {
  const { site } = await createMaster();
  const { units } = site.node;
  const all = await doctor(site);
  expect(all).toContainEqual(
    expect.objectContaining({ id: 'credential', of: 'kube-controller-manager', verdict: 'good' }),
  );
  const found = all.filter(({ id }) => id === 'port' || id === 'health');
  expect(found.every(({ verdict }) => verdict === 'good')).toBe(true);
  const ports = found.filter(({ id }) => id === 'port').map(({ of, url }) => [of, url]);
  expect(ports).toContainEqual(['kubelet', `https://127.0.0.5:${units.port('kubelet')}`]);
  expect(ports).toContainEqual(['kube-apiserver', `https://127.0.0.1:${units.port('kube-apiserver')}`]);
  expect(found.find(({ of }) => of === 'kubelet')?.what).toContain('CN=system:node:');
  // It has --secure-port=0.
  expect(found.map(({ of }) => of)).not.toContain('kube-controller-manager');
});

test('rejects a rotation at once if a port is silent before it', async () => {
  const site = await createSite(cloud, { role: 'worker', isStock: true });
  const kubelet = await site.node.read('/etc/kubernetes/kubelet');
  // Nothing listens on the port of `discard`.
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

test("prefers the operator's settings to the unit's", async () => {
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

test('restarts a unit despite its silent port', async () => {
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

test('treats a unit with unreadable files as its layout describes it, and logs this', async () => {
  const site = await createSite(cloud, { role: 'worker', isStock: true });
  await site.node.write('/etc/kubernetes/kubelet', 'KUBELET_ARGS="--config=/etc/kubernetes/none.yaml"\n');
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(site.log.join('')).toContain('unit-unasked');
});

test('does not accept an active unit without a port whose credential the API rejects', async () => {
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
  'does not accept a healthy %s whose lease is not renewed',
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

/** Rotates, and runs an event once after one of the units has been restarted. */
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

test('waits for a scheduler that exits because its API server was down, and restarts', async () => {
  const { site } = await createMaster();
  const said = await rotateWhile(site, 'kubelet', () => {
    site.node.units.startAgain('kube-scheduler');
  });
  expect(told(site, 'deploy_stderr')).toBe('');
  expect(told(site, 'deploy_status_code')).toBe(0);
  expect(said).toContain('the unit kube-scheduler ended and was restarted by systemd');
});

test("detects a unit without a port that exits after each start by systemd's state, before its deadline", async () => {
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
  'restarts %s on the way back, which systemd started with the new files before the agent reached it',
  async (unit) => {
    const { site } = await createMaster();
    const { units } = site.node;
    units.breakUnit('etcd', 'fails to start once');
    await rotateWhile(site, 'etcd', () => {
      units.startAgain(unit);
    });
    expect(told(site, 'deploy_status_code')).toBe(1);
    expect(await lastError(site)).toMatchObject({ reason: 'unit-ended', node: 'taken-back' });
    expect(site.restarts()).toEqual(['etcd', 'etcd', 'kube-apiserver', unit]);
    expect(units.hasRead(unit)).toBe(units.wouldRead());
  },
);
