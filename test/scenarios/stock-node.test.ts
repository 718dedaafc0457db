import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { at } from '../cloud/exchange.ts';
import { cli } from './support/cli.ts';
import { createSite, type Site } from './support/site.ts';

/** A node whose units are started as Magnum's own fragments write them; nothing is configured. */

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(async () => {
  await cloud.close();
});

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
    const site = await createSite(cloud, { role, isStock: true });
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
  const site = await createSite(cloud, { role: 'master', isStock: true });
  const { units } = site.node;
  const found = (await doctor(site)).filter(({ id }) => id === 'port' || id === 'health');
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
  expect(told(site, 'deploy_stderr')).toContain(
    'kubelet runs but presents no certificate: no answer within 10 s: 127.0.0.5:9',
  );
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
