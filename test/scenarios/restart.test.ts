import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newMemory, pass } from '../../agent/pass.ts';
import { AgentError } from '../../src/base/errors.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { socketSystemctl } from '../crash/socket-systemctl.ts';
import { agentErrorOf } from '../src/support/outcome-of.ts';
import { lastError } from './support/last-error.ts';
import { createSite, type Site } from './support/site.ts';

const cloud = await cloudForFile();

/** Sends a restart and returns the answer to Heat. */
async function answerTo(site: Site, services?: unknown): Promise<Record<string, unknown>> {
  cloud.deploy(site.cluster, site.server, {
    resource: 'restart',
    group: 'coe-restart',
    inputs:
      services === undefined
        ? []
        : [{ name: 'services', type: typeof services === 'string' ? 'CommaDelimitedList' : 'Json' }],
    values: { services },
  });
  await site.pass();
  return site.signals().at(-1)?.body ?? {};
}

const ORDER = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
];

test('restarts every service in order, and touches no file', async () => {
  const site = await createSite(cloud, { role: 'master' });
  const before = await site.files();
  const body = await answerTo(site);
  expect(body).toMatchObject({ deploy_status_code: 0 });
  expect(body['deploy_stdout']).toMatch(/kubelet presents \/etc\/kubernetes\/certs\/kubelet\.crt/);
  expect(site.restarts()).toEqual(ORDER);
  expect(await site.files()).toEqual(before);
});

test.each([['kubelet,etcd'], [' kubelet.service , etcd '], [['etcd', 'kubelet', 'etcd']]])(
  "restarts the named services in the layout's order: %j",
  async (services) => {
    const site = await createSite(cloud, { role: 'master' });
    expect(await answerTo(site, services)).toMatchObject({ deploy_status_code: 0 });
    expect(site.restarts()).toEqual(['etcd', 'kubelet']);
  },
);

test('leaves a stopped service alone unless it is named', async () => {
  const site = await createSite(cloud);
  site.node.units.stop('kube-proxy');
  expect(await answerTo(site)).toMatchObject({ deploy_status_code: 0 });
  expect(site.restarts()).toEqual(['kubelet']);
  expect(await answerTo(site, 'kube-proxy')).toMatchObject({ deploy_status_code: 0 });
  expect(site.restarts()).toEqual(['kubelet', 'kube-proxy']);
});

test.each([
  ['docker', { code: 'precondition', reason: 'unknown-unit' }],
  [[7], { code: 'bad-deployment', reason: 'input-not-a-list' }],
  [{ a: 1 }, { code: 'bad-deployment', reason: 'input-not-a-list' }],
])('rejects %j', async (services, error) => {
  const site = await createSite(cloud);
  const body = await answerTo(site, services);
  expect(body).toMatchObject({ deploy_status_code: 1 });
  expect(await lastError(site)).toEqual(error);
  expect(site.restarts()).toEqual([]);
});

test('reports a service that does not start, and keeps its files', async () => {
  const site = await createSite(cloud);
  const before = await site.files();
  site.node.units.breakUnit('kubelet', 'fails to start');
  const body = await answerTo(site);
  expect(body).toMatchObject({ deploy_status_code: 1 });
  expect(await lastError(site)).toEqual({ code: 'unit', reason: 'start-failed' });
  expect(await site.files()).toEqual(before);
});

test('agent restart does the same by hand', async () => {
  const site = await createSite(cloud);
  expect(await site.node.agent('restart', '--unit', 'kubelet')).toMatchObject({ code: 0 });
  expect(site.restarts()).toEqual(['kubelet']);
  const refused = await site.node.agent('restart', '--unit', 'nothing');
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain('kubelet, kube-proxy');
});

test('repeats a restart at the next start that was aborted while it checked the units', async () => {
  let stopped: AbortController | undefined;
  let node = '';
  const site = await createSite(cloud, {
    instrument: {
      systemctl: () => {
        const real = socketSystemctl(join(node, 'run/units.sock'));
        return {
          ...real,
          show: async (unit, abort) => {
            stopped?.abort();
            if (abort.aborted) throw new AgentError('aborted', 'systemctl show: stopped');
            return await real.show(unit, abort);
          },
        };
      },
    },
  });
  node = site.node.root;
  cloud.deploy(site.cluster, site.server, { resource: 'restart', group: 'coe-restart' });
  stopped = new AbortController();
  const error = await agentErrorOf(pass(await site.start(), newMemory(), stopped.signal));
  expect(error.code).toBe('aborted');
  stopped = undefined;
  expect((await site.pass()).settled).toMatchObject([{ outcome: { statusCode: 0 } }]);
});
