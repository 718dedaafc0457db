import { X509Certificate } from 'node:crypto';
import http from 'node:http';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { withAddresses } from '../../../agent/pass/addresses.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { canonicalName } from '../../../src/certificates/read.ts';
import { requestsOf } from '../../../src/certificates/request.ts';
import type { AddressName } from '../../../src/metadata/address.ts';
import { cloudForFile } from '../../cloud/for-file.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { runLoop } from '../../scenarios/support/daemon.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { noticesIn } from '../../scenarios/support/notices.ts';
import { NEVER } from '../../src/support/clock.ts';
import { testHands } from '../support/hands.ts';
import { caOf, newGeneration, nodeOf } from '../support/node.ts';

/** Addresses of the server that heat-params leave empty. */
const cloud = await cloudForFile();

const asked: string[] = [];

/** Starts a metadata service with these items. */
async function service(items: Record<string, string>): Promise<{ ec2: { metadata_url: string } }> {
  asked.length = 0;
  const server = http.createServer((request, response) => {
    const name = (request.url ?? '').replace('/latest/meta-data/', '');
    asked.push(name);
    response.writeHead(items[name] === undefined ? 404 : 200).end(items[name]);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { ec2: { metadata_url: `http://127.0.0.1:${port}/latest/meta-data` } };
}

const namesOf = async (site: Site, path: string): Promise<string> =>
  new X509Certificate(await site.node.read(path)).subjectAltName ?? '';

const SERVER = '/etc/kubernetes/certs/server.crt';

test('asks the metadata service for empty addresses of heat-params, and no others', async () => {
  const config = await service({ 'local-ipv4': '10.9.9.9', 'public-ipv4': '203.0.113.7' });
  const site = await createSite(cloud, { role: 'master', config, params: { KUBE_NODE_IP: '' } });
  expect(await namesOf(site, SERVER)).toContain('IP Address:10.9.9.9, IP Address:203.0.113.7');
  await cloud.rotateCa(site.cluster);
  expect(await site.pass()).toMatchObject({ settled: [{ outcome: { statusCode: 0 } }] });
  expect(await namesOf(site, SERVER)).toContain('IP Address:10.9.9.9, IP Address:203.0.113.7');
  await site.setParams({ KUBE_NODE_IP: '10.1.1.1', KUBE_NODE_PUBLIC_IP: '203.0.113.1' });
  asked.length = 0;
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(await namesOf(site, SERVER)).toContain('IP Address:10.1.1.1, IP Address:203.0.113.1');
  expect(asked).toEqual([]);
});

test("asks for a swarm's public address, which heat-params lack, like make-cert.py", async () => {
  const config = { ...(await service({ 'public-ipv4': '203.0.113.7' })), layout: 'auto' };
  const params = { SWARM_NODE_IP: '10.0.0.7', SWARM_API_IP: '10.0.0.8', API_IP_ADDRESS: '172.24.4.8' };
  const site = await createSite(cloud, { layout: 'swarm', config, params });
  const names = (await namesOf(site, '/etc/docker/server.crt')).split(', ').toSorted();
  const addresses = ['10.0.0.7', '10.0.0.8', '127.0.0.1', '172.24.4.8', '203.0.113.7'];
  expect(names).toEqual(addresses.map((address) => `IP Address:${address}`));
  expect(asked).toEqual(['public-ipv4']);
});

test.each([
  ['the config drive', '/mnt/config'],
  ["the service's copy of it", '/run/coe-agent/config-drive'],
])('asks for no public address on a worker; %s takes precedence over the service', async (_, place) => {
  const config = await service({});
  const site = await createSite(cloud, { config, params: { KUBE_NODE_IP: '', KUBE_NODE_PUBLIC_IP: '' } });
  await site.node.write(`${place}/ec2/latest/meta-data.json`, '{"local-ipv4": "10.8.8.8"}');
  asked.length = 0;
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(await namesOf(site, '/etc/kubernetes/certs/kubelet.crt')).toContain('IP Address:10.8.8.8');
  expect(asked).toEqual([]);
});

test('omits an address that no source knows from the certificates, and reports this', async () => {
  const site = await createSite(cloud, { params: { KUBE_NODE_IP: '' } });
  await cloud.rotateCa(site.cluster);
  expect(await site.pass()).toMatchObject({ settled: [{ outcome: { statusCode: 0 } }] });
  expect(noticesIn(site.progress)).toContain('address-unknown KUBE_NODE_IP');
});

test('asks for all addresses at once, so a silent service costs its deadline once', async () => {
  const open: AddressName[] = [];
  const { hands } = await testHands({
    addressOf: async (name) => {
      open.push(name);
      // No request is answered before both are sent.
      await vi.waitUntil(() => open.length === 2);
      throw new AgentError('cloud-unreachable', 'no answer within 5 s', { reason: 'no-answer' });
    },
  });
  const node = nodeOf('master', { KUBE_NODE_IP: '', KUBE_NODE_PUBLIC_IP: '' });
  expect(await withAddresses(node, hands, NEVER)).toEqual(node);
  expect(open).toEqual(['local-ipv4', 'public-ipv4']);
});

test('continues without a silent metadata service, and reports it in status and doctor', async () => {
  const site = await createSite(cloud);
  const collectors = ['ec2', 'config_drive', 'heat', 'local'];
  await site.node.configure({ collectors });
  // As Heat writes it for a Nova server; the embedded cloud has no such servers.
  const LOCAL = '/var/lib/os-collect-config/local-data/poll.json';
  await site.node.write(LOCAL, JSON.stringify({ 'os-collect-config': { collectors } }));
  const { told } = await runLoop(site, { times: 2 });
  expect(told.join('\n')).toContain('ready');
  await cloud.rotateCa(site.cluster);
  expect(await site.pass()).toMatchObject({ problems: [], settled: [{ outcome: { statusCode: 0 } }] });
  expect((await site.node.agent('run-once')).code).toBe(0);
  const { stdout } = await site.node.agent('status');
  expect(stdout).toMatch(/! ec2: reading .*meta-data: connection refused/);
  expect(stdout).toContain('✓ heat answered');
  expect((await site.node.agent('doctor')).stdout).toMatch(/! ec2: reading .*connection refused/);
});

test("treats the metadata service's data like any other metadata", async () => {
  const config = await service({ '': 'local-ipv4', 'local-ipv4': '10.9.9.9' });
  const site = await createSite(cloud, { config: { ...config, collectors: ['ec2'] } });
  expect(await site.pass()).toMatchObject({ problems: [], answers: [{ collector: 'ec2', why: undefined }] });
});

const ADDRESSES = 'IP Address:10.9.9.9, IP Address:203.0.113.7';

/** Makes a master whose metadata service has told its addresses, and is down since then. */
async function withoutService(config: Record<string, unknown> = {}): Promise<Site> {
  const items: Record<string, string> = { 'local-ipv4': '10.9.9.9', 'public-ipv4': '203.0.113.7' };
  const params = { KUBE_NODE_IP: '', KUBE_NODE_PUBLIC_IP: '' };
  const site = await createSite(cloud, {
    role: 'master',
    config: { ...(await service(items)), ...config },
    params,
  });
  for (const name of Object.keys(items)) delete items[name];
  return site;
}

describe('keeps the addresses of the replaced certificates', () => {
  test('in a rotation, and reports that', async () => {
    const site = await withoutService();
    const before = await site.node.read(SERVER);
    await cloud.rotateCa(site.cluster);
    expect(await site.pass()).toMatchObject({ settled: [{ outcome: { statusCode: 0 } }] });
    expect(await site.node.read(SERVER)).not.toBe(before);
    expect(await namesOf(site, SERVER)).toContain(ADDRESSES);
    expect(await namesOf(site, '/etc/kubernetes/certs/kubelet.crt')).toContain('IP Address:10.9.9.9');
    expect(await namesOf(site, '/etc/kubernetes/certs/kubelet.crt')).not.toContain('203.0.113.7');
    expect(noticesIn(site.progress)).toContain('address-kept KUBE_NODE_IP');
    expect(noticesIn(site.progress)).not.toContain('address-unknown KUBE_NODE_IP');
    expect(logged(site.log, 'address-kept')).toHaveLength(1);
  });

  test('in a repair', async () => {
    const site = await withoutService();
    const before = await site.node.read(SERVER);
    expect((await cli(site, ['repair', '--force'])).code).toBe(0);
    expect(await site.node.read(SERVER)).not.toBe(before);
    expect(await namesOf(site, SERVER)).toContain(ADDRESSES);
  });

  test('which is no difference from the desired state', async () => {
    const site = await withoutService({ reconcile: 'all' });
    await runLoop(site, { times: 2 });
    expect(site.restarts()).toEqual([]);
    expect(await namesOf(site, SERVER)).toContain(ADDRESSES);
  });

  test('also if the cloud names no local address', async () => {
    const node = nodeOf('worker', { KUBE_NODE_IP: '' });
    const { hands, write, progress } = await testHands({
      addressOf: async () => await Promise.resolve(undefined),
    });
    const cas = newGeneration();
    for (const { name, files } of node.layout.certificates) {
      const { cert } = caOf(cas, 'kubernetes').issue([['CN', name]], ['10.0.0.5', 'fd00::5', 'k1-node-0']);
      if (files) await write(files.certificate.path, cert);
    }
    const { layout, values } = await withAddresses(node, hands, NEVER);
    const names = requestsOf(layout, values).find(({ name }) => name === 'kubelet')?.names ?? [];
    expect(names.map(canonicalName)).toEqual(expect.arrayContaining(['10.0.0.5', canonicalName('fd00::5')]));
    expect(noticesIn(progress)).toContain('address-kept KUBE_NODE_IP');
  });
});
