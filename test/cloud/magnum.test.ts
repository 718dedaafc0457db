import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call } from './call.ts';
import { certificates, token, trustToken } from './client.ts';
import { startCloud, type Cloud } from './cloud.ts';
import type { Cluster } from './cluster.ts';
import type { Extension } from './csr.ts';
import { bits, boolean, oids, sequence, toDer } from './der.ts';
import { parseObject } from './exchange.ts';
import { altNames, makeCsr } from './make-csr.ts';

let cloud: Cloud;
let cluster: Cluster;
let magnum: ReturnType<typeof certificates>;
beforeAll(async () => {
  cloud = await startCloud();
  cluster = await cloud.createCluster({ name: 'k1', servers: [] });
  magnum = certificates(cluster, await trustToken(cluster));
});
afterAll(async () => await cloud.close());

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const DAY = 86_400_000;
const sign = async (...extensions: Extension[]) =>
  await magnum.trySign('etcd', makeCsr(keys, 'etcd', extensions));
const keyUsage = (critical: boolean, usages: number): Extension => ({
  id: oids.keyUsage,
  critical,
  value: toDer(bits(Buffer.of(usages), 0)),
});
const isCa = (critical: boolean): Extension => ({
  id: oids.basicConstraints,
  critical,
  value: toDer(sequence(boolean(true))),
});

test("serves a CA per type, the kubernetes CA for kubelet and unknown types, all with the cluster's name", async () => {
  const types = ['kubernetes', 'kubelet', 'etcd', 'front-proxy', 'foo'];
  const [kubernetes, kubelet, etcd, frontProxy, foo] = await Promise.all(types.map(magnum.ca));
  expect(new Set([kubernetes, etcd, frontProxy]).size).toBe(3);
  expect([kubelet, foo]).toEqual([kubernetes, kubernetes]);
  const ca = new X509Certificate(kubernetes ?? '');
  expect(ca).toMatchObject({ subject: 'CN=k1', issuer: 'CN=k1', ca: true });
  expect(ca.verify(ca.publicKey)).toBe(true);
  expect(cluster.ca).toEqual({ kubernetes, etcd, 'front-proxy': frontProxy });
});

test.each([
  ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ['EC P-256', keys],
  ['Ed25519', generateKeyPairSync('ed25519')],
])('signs a request with an %s key, from yesterday for five years', async (_kind, pair) => {
  const pem = await magnum.sign('etcd', makeCsr(pair, 'etcd', [altNames('10.0.0.5', 'kubernetes')]));
  const leaf = new X509Certificate(pem);
  expect(leaf.verify(new X509Certificate(cluster.ca.etcd).publicKey)).toBe(true);
  expect(leaf.checkPrivateKey(pair.privateKey)).toBe(true);
  expect(leaf).toMatchObject({ subject: 'CN=etcd', subjectAltName: 'IP Address:10.0.0.5, DNS:kubernetes' });
  expect(Date.now() - leaf.validFromDate.getTime()).toBeLessThan(DAY + 5000);
  expect((leaf.validToDate.getTime() - leaf.validFromDate.getTime()) / DAY).toBe(5 * 365 + 1);
});

test('drops disallowed extensions, and rejects critical ones', async () => {
  const plain = await sign(keyUsage(false, 0b0000_0100), isCa(false), {
    id: '1.2.3.4',
    critical: false,
    value: toDer(boolean(true)),
  });
  const leaf = new X509Certificate(String(parseObject(plain.text)?.['pem']));
  expect(leaf.ca).toBe(false);
  expect(leaf.toString()).not.toContain('1.2.3.4');
  expect((await sign(keyUsage(true, 0b1010_0000))).status).toBe(201);
  for (const critical of [
    keyUsage(true, 0b0000_0100),
    isCa(true),
    { id: '1.2.3.4', critical: true, value: toDer(boolean(true)) },
  ])
    expect((await sign(critical)).status).toBe(500);
});

test('rejects and quotes an invalid request, and one that is not signed by its own key', async () => {
  expect(await magnum.trySign('etcd', 'junk')).toMatchObject({
    status: 400,
    text: JSON.stringify({
      errors: [
        {
          request_id: '',
          code: 'client',
          status: 400,
          title: "Received invalid csr b'junk'",
          detail: "Received invalid csr b'junk'.",
          links: [],
        },
      ],
    }),
  });
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const forged = makeCsr({ publicKey: keys.publicKey, privateKey: other.privateKey }, 'etcd');
  expect((await magnum.trySign('etcd', forged)).status).toBe(400);
  expect((await magnum.trySign('etcd', '')).status).toBe(400);
  expect((await magnum.trySign('etcd', undefined)).status).toBe(500);
});

test('answers an unknown cluster with 404 for reading and 400 for signing', async () => {
  const headers = { 'X-Auth-Token': await trustToken(cluster) };
  const uuid = '00000000-0000-4000-8000-000000000000';
  const read = await call(`${cloud.magnumUrl}/certificates/${uuid}`, { headers });
  const written = await call(`${cloud.magnumUrl}/certificates`, {
    method: 'POST',
    headers,
    body: { cluster_uuid: uuid, csr: 'x' },
  });
  expect([read.status, written.status]).toEqual([404, 400]);
  expect(written.text).toContain(`Cluster ${uuid} could not be found`);
});

test('rejects a request without a valid token, or with an unknown version', async () => {
  const url = `${cloud.magnumUrl}/certificates/${cluster.uuid}`;
  const good = { 'X-Auth-Token': await trustToken(cluster) };
  expect((await call(url)).headers['www-authenticate']).toBe(`Keystone uri="${cloud.authUrl}"`);
  expect((await call(url, { headers: { 'X-Auth-Token': 'junk' } })).status).toBe(401);
  expect(
    (await call(url, { headers: { ...good, 'OpenStack-API-Version': 'container-infra 9.9' } })).status,
  ).toBe(406);
  expect((await call(url, { method: 'DELETE', headers: good })).status).toBe(405);
});

test('lets only the owner of a project use the certificates, and hides clusters from other projects', async () => {
  const { identity, project } = cloud;
  const member = identity.addUser('member', project.domain, 'm');
  identity.grant(member, project, ['member']);
  const elsewhere = identity.addProject('elsewhere', project.domain);
  identity.grant(member, elsewhere, ['member']);
  const user = { id: member.id, password: 'm' };
  const inside = certificates(cluster, await token(cloud.authUrl, user, { project: { id: project.id } }));
  const outside = certificates(cluster, await token(cloud.authUrl, user, { project: { id: elsewhere.id } }));
  expect((await inside.tryCa('etcd')).status).toBe(403);
  expect((await inside.trySign('etcd', 'x')).status).toBe(403);
  expect((await outside.tryCa('etcd')).status).toBe(404);
  expect((await outside.trySign('etcd', 'x')).status).toBe(400);
});

test('does not rotate a cluster without TLS, or one that is being updated', async () => {
  const bare = await cloud.createCluster({ name: 'bare', keys: 'ec', tlsDisabled: true, servers: [] });
  await expect(cloud.rotateCa(bare)).rejects.toThrow('non-TLS cluster is not supported');
  const busy = await cloud.createCluster({
    name: 'busy',
    keys: 'ec',
    servers: [{ name: 'm', role: 'master' }],
  });
  await cloud.rotateCa(busy);
  await expect(cloud.rotateCa(busy)).rejects.toThrow(
    'when status is \\"UPDATE_IN_PROGRESS\\" is not supported',
  );
});

test('replaces all three CAs at once in a rotation, with the same name', async () => {
  const spinning = await cloud.createCluster({ name: 'spin', servers: [], subjectKeyId: true });
  const before = spinning.ca;
  await cloud.rotateCa(spinning);
  expect(spinning.previousCa).toEqual(before);
  expect(new Set(spinning.generations.flatMap((one) => Object.values(one))).size).toBe(6);
  const ca = new X509Certificate(await certificates(spinning, await trustToken(spinning)).ca('etcd'));
  expect(ca.subject).toBe(new X509Certificate(before.etcd).subject);
  expect(ca.verify(new X509Certificate(before.etcd).publicKey)).toBe(false);
  expect(cloud.clusterStatus(spinning)).toBe('UPDATE_COMPLETE');
});
