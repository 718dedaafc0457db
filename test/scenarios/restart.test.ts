import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newMemory, pass } from '../../agent/pass.ts';
import { AgentError } from '../../src/base/errors.ts';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { socketSystemctl } from '../crash/socket-systemctl.ts';
import { agentErrorOf } from '../src/support/outcome-of.ts';
import { lastError } from './support/last-error.ts';
import { createSite, type Site } from './support/site.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(async () => {
  await cloud.close();
});

/** Sends a restart and gives what Heat is told. */
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

test('every service is restarted, in order, and no file is touched', async () => {
  const site = await createSite(cloud, { role: 'master' });
  const before = await site.files();
  const body = await answerTo(site);
  expect(body).toMatchObject({ deploy_status_code: 0 });
  expect(body['deploy_stdout']).toMatch(/kubelet presents \/etc\/kubernetes\/certs\/kubelet\.crt/);
  expect(site.restarts()).toEqual(ORDER);
  expect(await site.files()).toEqual(before);
});

test.each([['kubelet,etcd'], [' kubelet.service , etcd '], [['etcd', 'kubelet', 'etcd']]])(
  'those that are named are restarted, in the order of the layout: %j',
  async (services) => {
    const site = await createSite(cloud, { role: 'master' });
    expect(await answerTo(site, services)).toMatchObject({ deploy_status_code: 0 });
    expect(site.restarts()).toEqual(['etcd', 'kubelet']);
  },
);

test('a service that was stopped stays so, unless it is named', async () => {
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
])('refused: %j', async (services, error) => {
  const site = await createSite(cloud);
  const body = await answerTo(site, services);
  expect(body).toMatchObject({ deploy_status_code: 1 });
  expect(await lastError(site)).toEqual(error);
  expect(site.restarts()).toEqual([]);
});

test('a service that does not come back is told of, and its files stay as they are', async () => {
  const site = await createSite(cloud);
  const before = await site.files();
  site.node.units.breakUnit('kubelet', 'fails to start');
  const body = await answerTo(site);
  expect(body).toMatchObject({ deploy_status_code: 1 });
  expect(await lastError(site)).toEqual({ code: 'unit', reason: 'start-failed' });
  expect(await site.files()).toEqual(before);
});

test('agent restart does the same for a person', async () => {
  const site = await createSite(cloud);
  const { code, stdout } = await site.node.agent('restart', '--unit', 'kubelet');
  expect({ code, stdout }).toMatchObject({ code: 0 });
  expect(stdout).toContain('restart kubelet and see its certificate');
  expect(site.restarts()).toEqual(['kubelet']);
  const refused = await site.node.agent('restart', '--unit', 'nothing');
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain('has only kubelet, kube-proxy');
});

test('one that is stopped while it looks at the units is done at the next start', async () => {
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
