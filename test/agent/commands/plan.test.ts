import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { takeLock } from '../../../src/base/lock.ts';
import { cloudForFile } from '../../cloud/for-file.ts';
import type { CustomDeployment } from '../../cloud/custom-deployment.ts';
import { cli, type Said } from '../../scenarios/support/cli.ts';
import { createSite, type SiteSpec } from '../../scenarios/support/site.ts';

const cloud = await cloudForFile();

test.each<[string, SiteSpec, CustomDeployment, object]>([
  [
    'a rotation',
    { layout: 'kubeadm' },
    { group: 'coe-rotate' },
    {
      verdict: 'planned',
      code: 'change',
      layout: 'kubeadm',
      role: 'worker',
      limitCodes: ['ca-keys-stay', 'static-pods'],
    },
  ],
  [
    'an action without work',
    {},
    { group: 'coe-rotate', action: 'DELETE' },
    { verdict: 'planned', code: 'action-asks-nothing', limitCodes: [] },
  ],
  [
    'a group without a hook',
    {},
    { group: 'ansible' },
    { verdict: 'unserved', code: 'no-hook', limitCodes: [] },
  ],
  [
    'a phase that does not exist',
    {},
    { group: 'coe-rotate', inputs: [{ name: 'phase' }], values: { phase: 'half' } },
    { verdict: 'refused', code: 'bad-deployment', limitCodes: [] },
  ],
])('names the planned steps by code: %s', async (_, spec, asked, wanted) => {
  const site = await createSite(cloud, spec);
  cloud.deploy(site.cluster, site.server, asked);
  const { stdout } = await cli(site, ['plan', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ deployments: [wanted] });
});

test('names the layout of the node and why it was chosen, without a deployment', async () => {
  const site = await createSite(cloud, { layout: 'kubeadm' });
  const { stdout } = await cli(site, ['plan']);
  expect(stdout).toContain('layout kubeadm (configured), worker: ');
});

test('names the process that is at work, its deployment and its wait', async () => {
  const site = await createSite(cloud, { config: { cloud: { patience_seconds: 60 } } });
  await cloud.rotateCa(site.cluster);
  const id = site.cluster.stack.deploymentsOn(site.server)[0]?.id;
  cloud.fault({ service: 'magnum', effect: { kind: 'answer', status: 503, body: 'maintenance' } });
  onTestFinished(cloud.clearFaults);
  const seen: Said[] = [];
  const sleep: Clock['sleep'] = async (ms, abort) => {
    if (seen.length === 0) {
      const [json, text] = [cli(site, ['plan', '--json']), cli(site, ['plan'])];
      seen.push(await json, await text);
    }
    await site.clock.sleep(ms, abort);
  };
  await cli(site, ['run-once'], { clock: () => ({ ...site.clock, sleep }) });
  const [json, text] = seen;
  expect(JSON.parse(json?.stdout ?? '')).toMatchObject({
    underWay: {
      holder: `agent run-once (pid ${process.pid})`,
      deployments: [{ id }],
      waiting: { whatCode: 'read-ca', code: 'cloud-unreachable', reason: 'http-503' },
    },
    deployments: [{ id, verdict: 'planned', isUnderWay: true }],
  });
  expect(text?.stdout).toContain(`agent run-once (pid ${process.pid}) is at work: deployment ${id} since `);
  expect(text?.stdout).not.toContain('would be done');
  const after = await cli(site, ['plan', '--json']);
  expect(JSON.parse(after.stdout)).toMatchObject({ underWay: null });
});

test.each([
  ['a daemon that waits for its next poll', 'run', null, 'nothing to do'],
  ['another verb', 'restart', { holder: 'agent restart (pid 4711)' }, 'no deployment is pending'],
] as const)('tells %s from work under way', async (_, verb, underWay, last) => {
  const site = await createSite(cloud);
  await mkdir(join(site.node.root, 'run/coe-agent'), { recursive: true });
  const lock = await takeLock(join(site.node.root, 'run/coe-agent/lock'), verb, 4711);
  onTestFinished(lock.release);
  const { stdout: json } = await cli(site, ['plan', '--json']);
  expect(JSON.parse(json)).toMatchObject({ underWay, deployments: [] });
  const { stdout } = await cli(site, ['plan']);
  expect(stdout.trimEnd().split('\n').at(-1)).toBe(last);
});

test('marks a deployment that waits for the work under way', async () => {
  const site = await createSite(cloud);
  await cloud.rotateCa(site.cluster);
  await mkdir(join(site.node.root, 'run/coe-agent'), { recursive: true });
  const lock = await takeLock(join(site.node.root, 'run/coe-agent/lock'), 'restart', 4711);
  onTestFinished(lock.release);
  const { stdout: json } = await cli(site, ['plan', '--json']);
  expect(JSON.parse(json)).toMatchObject({ deployments: [{ verdict: 'planned', isUnderWay: false }] });
  const { stdout } = await cli(site, ['plan']);
  expect(stdout).toMatch(/: would be done next$/m);
});
