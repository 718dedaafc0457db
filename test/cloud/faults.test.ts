import { afterEach, beforeEach, expect, test } from 'vitest';
import { call } from './call.ts';
import { certificates, deploymentsOf, signalHeat, trustToken } from './client.ts';
import { startCloud, type Cloud } from './cloud.ts';
import type { Cluster } from './cluster.ts';
import { crlfPem, derBody, derPem, garbled, htmlPage, truncated } from './spoil.ts';

let cloud: Cloud;
let cluster: Cluster;
beforeEach(async () => {
  cloud = await startCloud();
  cluster = await cloud.createCluster({
    name: 'k1',
    keys: 'ec',
    servers: [{ name: 'master-0', role: 'master' }],
  });
});
afterEach(async () => await cloud.close());

const readCa = async () => await certificates(cluster, await trustToken(cluster)).tryCa('etcd');
const atMagnum = { service: 'magnum', method: 'GET' } as const;

test('replaces an answer a number of times, or until the fault is removed', async () => {
  const fault = cloud.fault({
    ...atMagnum,
    path: /certificates/,
    times: 2,
    effect: { kind: 'answer', status: 503, headers: { 'Retry-After': '1' } },
  });
  expect([(await readCa()).status, (await readCa()).status, (await readCa()).status]).toEqual([
    503, 503, 200,
  ]);
  expect(fault.hits).toBe(2);
  const forever = cloud.fault({ ...atMagnum, effect: { kind: 'answer', status: 500 } });
  expect((await readCa()).status).toBe(500);
  forever.remove();
  expect((await readCa()).status).toBe(200);
});

const spoilt = async (change: typeof garbled) => {
  const fault = cloud.fault({ ...atMagnum, effect: { kind: 'transform', change } });
  const { text } = await readCa();
  fault.remove();
  return text;
};

test('changes an answer on its way', async () => {
  expect(await spoilt(garbled)).not.toContain('pem');
  expect(await spoilt(htmlPage())).toContain('<html>');
  expect(await spoilt(crlfPem)).toContain('-----BEGIN CERTIFICATE-----\\r\\n');
  expect(await spoilt(derPem)).toMatch(/"pem":"MII[^-]*"/);
  expect((await spoilt(derBody)).startsWith('0')).toBe(true);
  expect(await spoilt(truncated)).not.toContain('END CERTIFICATE');
});

test.each(['before', 'after'] as const)('resets a connection %s the work is done', async (when) => {
  await cloud.rotateCa(cluster);
  const [deployment] = await deploymentsOf(cluster, 'master-0');
  cloud.fault({
    service: 'heat',
    method: 'POST',
    path: /\/signal$/,
    times: 1,
    effect: { kind: 'reset', when },
  });
  await expect(signalHeat(cluster, deployment, {})).rejects.toThrow(/ECONNRESET|socket hang up/);
  expect(cloud.stackStatus(cluster)).toBe(when === 'before' ? 'UPDATE_IN_PROGRESS' : 'UPDATE_COMPLETE');
  expect(cloud.requests.at(-1)).toMatchObject({ service: 'heat', status: 0 });
});

test('sends half a body with the length of the whole', async () => {
  cloud.fault({ ...atMagnum, effect: { kind: 'cut' } });
  await expect(readCa()).rejects.toThrow('aborted');
});

test('delays an answer, sends it in pieces, or never', async () => {
  const started = performance.now();
  const late = cloud.fault({ ...atMagnum, effect: { kind: 'delay', ms: 60 } });
  expect((await readCa()).status).toBe(200);
  late.remove();
  const slow = cloud.fault({ ...atMagnum, effect: { kind: 'drip', bytes: 100, ms: 10 } });
  expect((await readCa()).text).toContain('END CERTIFICATE');
  slow.remove();
  expect(performance.now() - started).toBeGreaterThan(120);

  cloud.fault({ ...atMagnum, effect: { kind: 'hang' } });
  const waiting = expect(readCa()).rejects.toThrow();
  await cloud.until(() => cloud.requests.at(-1)?.status === 0);
  await cloud.close();
  await waiting;
});

test('logs every request with its answer', async () => {
  await readCa();
  expect(cloud.requests).toEqual([
    { service: 'keystone', method: 'POST', path: '/v3/auth/tokens', status: 201 },
    {
      service: 'magnum',
      method: 'GET',
      path: `/v1/certificates/${cluster.uuid}?ca_cert_type=etcd`,
      status: 200,
    },
  ]);
});

test('rejects clients over TLS that do not know its CA', async () => {
  const tls = await startCloud({ tls: true });
  const other = await tls.createCluster({
    name: 'k2',
    keys: 'ec',
    servers: [{ name: 'master-0', role: 'master' }],
  });
  await expect(call(tls.authUrl)).rejects.toThrow('unable to verify the first certificate');
  await tls.rotateCa(other);
  const [deployment] = await deploymentsOf(other, 'master-0', tls.caPem);
  await signalHeat(other, deployment, {}, tls.caPem);
  expect(await tls.settled(other)).toBe('UPDATE_COMPLETE');
  await tls.close();
});
