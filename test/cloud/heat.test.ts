import { afterEach, beforeEach, expect, test } from 'vitest';
import { call } from './call.ts';
import { deploymentsOf, inputsOf, readMetadata, signalCfn, signalHeat, token, trustToken } from './client.ts';
import { startCloud, type Cloud } from './cloud.ts';
import type { Cluster, ServerSpec } from './cluster.ts';
import { at, parseObject } from './exchange.ts';

let cloud: Cloud;
let now = Date.now();
beforeEach(async () => {
  cloud = await startCloud({ now: () => now });
});
afterEach(async () => await cloud.close());

const clusterOf = async (...servers: ServerSpec[]): Promise<Cluster> =>
  await cloud.createCluster({ name: 'k1', keys: 'ec', servers });
const master = { name: 'master-0', role: 'master' } as const;
const worker = { name: 'worker-0', role: 'worker' } as const;
const only = async (cluster: Cluster, server: string): Promise<unknown> =>
  (await deploymentsOf(cluster, server))[0];

test("repeats how to poll in the metadata, and lets a poller read only its own server's", async () => {
  const cluster = await clusterOf(master, worker);
  const reply = await readMetadata(cluster, 'master-0');
  const metadata = at(parseObject(reply.text), 'metadata');
  expect(metadata).toEqual({ deployments: [], 'os-collect-config': cluster.collectConfig('master-0') });

  const { heat } = cluster.collectConfig('master-0');
  const headers = {
    'X-Auth-Token': await token(
      heat.auth_url,
      { id: heat.user_id, password: heat.password },
      { project: { id: heat.project_id } },
    ),
  };
  const read = async (path: string, as = headers) =>
    (await call(`${cloud.heatUrl}/${path}`, { headers: as })).status;
  const stack = `${heat.project_id}/stacks/${heat.stack_id}`;
  expect(await read(`${stack}/resources/worker-0/metadata`)).toBe(403);
  expect(await read(`${stack}/resources/nope/metadata`)).toBe(403);
  expect(await read(`${heat.project_id}/stacks/nope/0/resources/master-0/metadata`)).toBe(404);
  expect(await read(`${cloud.project.id}/stacks/${heat.stack_id}/resources/master-0/metadata`)).toBe(403);
  expect(await read(`${stack}/resources/master-0/metadata`, { 'X-Auth-Token': 'junk' })).toBe(401);
});

test('gives every server a new deployment with a new id when the inputs change', async () => {
  const cluster = await clusterOf(master, worker);
  await cloud.rotateCa(cluster);
  const first = [await only(cluster, 'master-0'), await only(cluster, 'worker-0')];
  for (const deployment of first) await signalHeat(cluster, deployment, {});
  expect(await cloud.settled(cluster)).toBe('UPDATE_COMPLETE');
  await cloud.rotateCa(cluster);
  const second = await only(cluster, 'master-0');
  expect(at(second, 'id')).not.toBe(at(first[0], 'id'));
  expect(inputsOf(second)['deploy_user_id']).toBe(inputsOf(first[0])['deploy_user_id']);
});

test('waits for all servers; a missing status code is success, and a second signal is ignored', async () => {
  const cluster = await clusterOf(master, worker);
  await cloud.rotateCa(cluster);
  await signalHeat(cluster, await only(cluster, 'master-0'), { deploy_stdout: 'done' });
  expect(cloud.stackStatus(cluster)).toBe('UPDATE_IN_PROGRESS');
  await signalHeat(cluster, await only(cluster, 'master-0'), { deploy_status_code: 1 });
  await signalHeat(cluster, await only(cluster, 'worker-0'), { deploy_status_code: '0' });
  expect(await cloud.settled(cluster)).toBe('UPDATE_COMPLETE');
  expect(cloud.signals.map(({ accepted }) => accepted)).toEqual([true, false, true]);
});

test('removes a failed UPDATE-only deployment in the roll-back, and sends a new one in the next rotation', async () => {
  const cluster = await clusterOf(master);
  await cloud.rotateCa(cluster);
  const failed = await only(cluster, 'master-0');
  await signalHeat(cluster, failed, { deploy_status_code: 1, deploy_stderr: 'no' });
  expect(cloud.stackStatus(cluster)).toMatch(/^ROLLBACK_/);
  expect(await cloud.settled(cluster)).toBe('ROLLBACK_COMPLETE');
  expect(await deploymentsOf(cluster, 'master-0')).toEqual([]);

  await cloud.rotateCa(cluster);
  const next = await only(cluster, 'master-0');
  expect(inputsOf(next)['deploy_user_id']).not.toBe(inputsOf(failed)['deploy_user_id']);
});

test('sends its previous inputs to a server that succeeded when another fails', async () => {
  const cluster = await clusterOf(master, worker);
  await cloud.rotateCa(cluster);
  const good = await only(cluster, 'master-0');
  await signalHeat(cluster, good, { deploy_status_code: 0 });
  await signalHeat(cluster, await only(cluster, 'worker-0'), { deploy_status_code: 2 });
  await cloud.until(() => cluster.stack.deploymentsOn('worker-0').length === 0);
  const back = await only(cluster, 'master-0');
  expect(at(back, 'id')).not.toBe(at(good, 'id'));
  expect(inputsOf(back)).toMatchObject({ deploy_action: 'UPDATE', kube_service_account_key_input: '' });
  expect(cloud.stackStatus(cluster)).toMatch(/^ROLLBACK_/);
  await signalHeat(cluster, back, { deploy_status_code: 0 });
  expect(await cloud.settled(cluster)).toBe('ROLLBACK_COMPLETE');
});

test('sends a failed deployment that acts on CREATE again, with the previous inputs', async () => {
  const cluster = await clusterOf({ ...master, actions: ['CREATE', 'UPDATE'] });
  expect(cloud.stackStatus(cluster)).toBe('CREATE_IN_PROGRESS');
  await signalHeat(cluster, await only(cluster, 'master-0'), {});
  expect(await cloud.settled(cluster)).toBe('CREATE_COMPLETE');
  await cloud.rotateCa(cluster);
  await signalHeat(cluster, await only(cluster, 'master-0'), { deploy_status_code: 1 });
  await cloud.until(() => cluster.stack.deploymentsOn('master-0').length === 2);
  const back = (await deploymentsOf(cluster, 'master-0')).find(
    (one) => inputsOf(one)['deploy_action'] === 'CREATE',
  );
  await signalHeat(cluster, back, {});
  expect(await cloud.settled(cluster)).toBe('ROLLBACK_COMPLETE');
});

test('fails a deployment by the presence of an output marked error_output', async () => {
  const cluster = await clusterOf(master);
  const outputs = [{ name: 'problem', error_output: true }, { name: 'note' }];
  const deployment = cloud.deploy(cluster, 'master-0', { outputs });
  await signalHeat(cluster, deployment, { deploy_status_code: 0, problem: '' });
  expect(await cloud.settled(cluster)).toBe('ROLLBACK_COMPLETE');
});

test('rejects a body over 1 MiB, and treats one that is not a JSON object as success', async () => {
  const cluster = await clusterOf(master);
  const deployment = cloud.deploy(cluster, 'master-0', {});
  const reply = await signalHeat(cluster, deployment, { deploy_stdout: 'x'.repeat(1_048_576) });
  expect([reply.status, reply.text.includes('exceeds maximum allowed size (1048576 bytes)')]).toEqual([
    400,
    true,
  ]);
  await signalHeat(cluster, deployment, 'junk');
  expect(await cloud.settled(cluster)).toBe('UPDATE_COMPLETE');
});

test('accepts the signed request to a pre-signed address once within a quarter of an hour, and no other', async () => {
  const cluster = await clusterOf({ ...master, signalTransport: 'CFN_SIGNAL' });
  await cloud.rotateCa(cluster);
  const deployment = await only(cluster, 'master-0');
  const url = inputsOf(deployment)['deploy_signal_id'] ?? '';
  for (const other of [
    url.replace(/Signature=.*/, 'Signature=AAAA'),
    url.replace('Timestamp=2', 'Timestamp=3'),
    url.replace('-rotate?', '-x?'),
  ])
    expect((await call(other, { method: 'POST', body: '{}' })).status).toBe(403);
  expect((await call(url, { method: 'PUT', body: '{}' })).text).toContain('<Code>AccessDenied</Code>');
  expect((await call(url.replace(/\?.*/, ''), { method: 'POST' })).status).toBe(400);
  now += 15 * 60_000 + 1000;
  expect((await signalCfn(deployment, {})).status).toBe(403);
  now -= 60_000;
  expect(await signalCfn(deployment, {})).toMatchObject({ status: 200, text: '' });
  expect(await cloud.settled(cluster)).toBe('UPDATE_COMPLETE');
});

test('does not wait for a deployment without a signal', async () => {
  const cluster = await clusterOf({ ...master, signalTransport: 'NO_SIGNAL' });
  await cloud.rotateCa(cluster);
  expect(await cloud.settled(cluster)).toBe('UPDATE_COMPLETE');
  expect(await deploymentsOf(cluster, 'master-0')).toHaveLength(1);
});

test('accepts deployments of any kind, and sorts them by the name of their config', async () => {
  const cluster = await clusterOf(master);
  const inputs = [
    { name: 'map', type: 'Json' },
    { name: 'n', type: 'Number', default: 3 },
  ];
  const created = Date.UTC(2026, 0, 1);
  cloud.deploy(cluster, 'master-0', {
    name: 'z',
    group: 'script',
    config: '#!/bin/sh',
    inputs,
    values: { map: { a: 1 } },
    options: { timeout: 5 },
  });
  cloud.deploy(cluster, 'master-0', {
    name: 'a',
    resource: 'x',
    group: 'component',
    config: { configs: [] },
    created,
    action: 'CREATE',
  });
  const [first, second] = await deploymentsOf(cluster, 'master-0');
  expect(first).toMatchObject({ name: 'a', group: 'component', creation_time: '2026-01-01T00:00:00Z' });
  expect(second).toMatchObject({ name: 'z', config: '#!/bin/sh', options: { timeout: 5 } });
  expect(at(second, 'inputs')).toMatchObject([
    { name: 'map', description: '', type: 'Json', value: { a: 1 } },
    { name: 'n', description: '', type: 'Number', default: 3, value: 3 },
    { name: 'deploy_server_id' },
    ...Array.from({ length: 10 }, () => ({ type: 'String' })),
  ]);
  const again = cloud.deploy(cluster, 'master-0', { name: 'a', resource: 'x' });
  expect(await deploymentsOf(cluster, 'master-0')).toMatchObject([
    { id: again.id },
    { id: at(second, 'id') },
  ]);
});

test('rejects signals to a resource that is not a deployment, and shows the stack to the owner', async () => {
  const cluster = await clusterOf(master);
  const headers = { 'X-Auth-Token': await trustToken(cluster) };
  const stack = `${cloud.heatUrl}/${cloud.project.id}/stacks/${cluster.stackId}`;
  const signal = async (name: string) =>
    (await call(`${stack}/resources/${name}/signal`, { method: 'POST', headers, body: {} })).status;
  expect([await signal('nope'), await signal('master-0')]).toEqual([404, 400]);
  expect(at(parseObject((await call(stack, { headers })).text), 'stack', 'stack_status')).toBe(
    'CREATE_COMPLETE',
  );
});
