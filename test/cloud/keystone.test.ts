import { afterEach, beforeEach, expect, test } from 'vitest';
import { call } from './call.ts';
import { certificates, readMetadata, token, trustToken } from './client.ts';
import { startCloud, type Cloud } from './cloud.ts';
import type { Cluster } from './cluster.ts';
import { at, parseObject } from './exchange.ts';

let cloud: Cloud;
let cluster: Cluster;
let now = Date.now();
beforeEach(async () => {
  cloud = await startCloud({ tokenLifetimeMs: 60_000, now: () => now });
  cluster = await cloud.createCluster({
    name: 'k1',
    keys: 'ec',
    servers: [{ name: 'master-0', role: 'master' }],
  });
});
afterEach(async () => await cloud.close());

const login = async (user: unknown, scope: unknown) =>
  await call(`${cloud.authUrl}/auth/tokens`, {
    method: 'POST',
    body: { auth: { identity: { methods: ['password'], password: { user } }, scope } },
  });
const trustee = () => ({ id: cluster.trusteeUserId, password: cluster.trusteePassword });
const trustScope = () => ({ 'OS-TRUST:trust': { id: cluster.trustId } });

test('impersonates the trustor in a trust login, and lists the services of its project', async () => {
  const reply = await login(trustee(), trustScope());
  expect(reply.status).toBe(201);
  const issued = at(parseObject(reply.text), 'token');
  expect(issued).toMatchObject({
    user: { id: cloud.owner.id },
    project: { id: cloud.project.id },
    'OS-TRUST:trust': {
      id: cluster.trustId,
      impersonation: true,
      trustee_user: { id: cluster.trusteeUserId },
    },
  });
  expect(at(issued, 'expires_at')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000Z$/);
  expect(JSON.stringify(at(issued, 'catalog'))).toContain(
    `"interface":"public","region_id":"RegionOne","url":"${cloud.heatUrl}/${cloud.project.id}"`,
  );
});

test('answers a wrong password, an unknown user and an unknown trust with the same 401', async () => {
  const replies = [
    await login({ ...trustee(), password: 'x' }, trustScope()),
    await login({ id: 'nobody', password: 'x' }, trustScope()),
    await login(trustee(), { 'OS-TRUST:trust': { id: '0' } }),
    await login(trustee(), { project: { id: cloud.project.id } }),
  ];
  const error = {
    code: 401,
    message: 'The request you have made requires authentication.',
    title: 'Unauthorized',
  };
  for (const reply of replies) expect([reply.status, JSON.parse(reply.text)]).toEqual([401, { error }]);
});

test('names what an invalid login body lacks', async () => {
  const send = async (body: unknown) => await call(`${cloud.authUrl}/auth/tokens`, { method: 'POST', body });
  expect((await send('junk')).text).toContain('find valid JSON');
  expect((await send({})).text).toContain('find auth');
  expect((await send({})).status).toBe(400);
  expect(
    (await call(`${cloud.authUrl.replace('/v3', '')}/v2.0/auth/tokens`, { method: 'POST' })).status,
  ).toBe(404);
});

test('rejects logins with a trust whose trustor lost a role with 403, and its old tokens cannot be checked', async () => {
  const old = await trustToken(cluster);
  cloud.breakTrust();
  expect((await login(trustee(), trustScope())).status).toBe(403);
  expect((await certificates(cluster, old).tryCa('etcd')).status).toBe(503);
  cloud.mendTrust();
  expect((await login(trustee(), trustScope())).status).toBe(201);
});

test('deletes the tokens of a deleted trust', async () => {
  const old = await trustToken(cluster);
  cloud.deleteTrust(cluster);
  expect((await login(trustee(), trustScope())).status).toBe(401);
  expect((await certificates(cluster, old).tryCa('etcd')).status).toBe(401);
});

test('expires tokens after their lifetime, and all at once when they are revoked', async () => {
  const [old, magnum] = [
    await trustToken(cluster),
    async (id: string) => await certificates(cluster, id).tryCa('etcd'),
  ];
  expect((await magnum(old)).status).toBe(200);
  now += 60_001;
  expect((await magnum(old)).status).toBe(401);
  const fresh = await trustToken(cluster);
  cloud.revokeTokens();
  expect((await magnum(fresh)).status).toBe(401);
  expect((await readMetadata(cluster, 'master-0')).status).toBe(200);
});

test('shows and revokes single tokens', async () => {
  const [mine, other] = [await trustToken(cluster), await trustToken(cluster)];
  const about = async (method: string, subject: string) =>
    await call(`${cloud.authUrl}/auth/tokens`, {
      method,
      headers: { 'X-Auth-Token': mine, 'X-Subject-Token': subject },
    });
  expect(at(parseObject((await about('GET', other)).text), 'token', 'project', 'name')).toBe('admin');
  expect((await about('DELETE', other)).status).toBe(204);
  expect((await about('GET', other)).status).toBe(404);
});

test('accepts users by name and domain, and lists its versions', async () => {
  const admin = { name: 'admin', domain: { name: 'Default' }, password: 'secret' };
  await token(cloud.authUrl, admin, { project: { name: 'admin', domain: { id: 'default' } } });
  expect(parseObject((await call(cloud.authUrl)).text)).toMatchObject({ version: { id: 'v3.14' } });
});
