import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLOUD_CONFIG, cloudConfig, HEAT_PARAMS, type Trustee } from '../scenarios/support/trustee.ts';
import { openstack, physicalId, settledStatus, stackStatus } from './real-cloud.ts';
import { type RealCluster, startRealCluster } from './real-cluster.ts';

/**
 * A running cluster gets another trustee and trust through a real Heat: its daemons continue with these, even when the
 * former trust is deleted.
 */
let cluster: RealCluster;
const stack = `credentials-${Date.now().toString(36)}`;
beforeAll(async () => {
  cluster = await startRealCluster('credentials', 'rsa-2048');
});
afterAll(async () => {
  await openstack('stack', 'delete', '--yes', '--wait', stack).catch(() => undefined);
  await cluster.close();
});

const SERVERS = ['master-0', 'worker-0'];
const TEMPLATE = join(import.meta.dirname, '../../scripts/heat/credentials.yaml');
const id = ['-f', 'value', '-c', 'id'];

/** Makes a trustee like Magnum's trust manager: a user of its own domain, to whom the owner delegates. */
async function makeTrustee(): Promise<Trustee> {
  const password = `pass word ${Date.now().toString(36)} #$`;
  const user = await openstack('user', 'create', '--domain', 'magnum', '--password', password, ...id, stack);
  const roles = ['--role', 'admin', '--role', 'heat_stack_owner'];
  const trust = await openstack(
    'trust',
    'create',
    '--project',
    'admin',
    ...roles,
    '--impersonate',
    ...id,
    'admin',
    user,
  );
  return { trustee_user_id: user, trustee_password: password, trust_id: trust };
}

const parameters = (values: Record<string, string>): string[] =>
  Object.entries(values).flatMap(([name, value]) => ['--parameter', `${name}=${value}`]);

async function update(values: Record<string, string>): Promise<string> {
  await openstack('stack', 'update', '--existing', ...parameters(values), '-t', TEMPLATE, stack);
  return await settledStatus(async () => await stackStatus(stack));
}

const updatedAt = async (name: string): Promise<string> =>
  await openstack('stack', 'show', name, '-f', 'value', '-c', 'updated_time');

const paramsOf = async (server: string): Promise<string> => await cluster.node(server).read(HEAT_PARAMS);
const valueOf = (params: string, key: string): string =>
  new RegExp(`^${key}=["'](.*)["']$`, 'm').exec(params)?.[1] ?? '';

test('uses another trustee and trust, and rotates the CA after the former trust is deleted', async () => {
  const before = await paramsOf('master-0');
  const former: Trustee = {
    trustee_user_id: valueOf(before, 'TRUSTEE_USER_ID'),
    trustee_password: valueOf(before, 'TRUSTEE_PASSWORD'),
    trust_id: valueOf(before, 'TRUST_ID'),
  };
  const url = valueOf(before, 'AUTH_URL');
  for (const server of SERVERS) await cluster.node(server).write(CLOUD_CONFIG, cloudConfig(former, url));
  const ids = await Promise.all(
    SERVERS.map(async (server) => [server, await physicalId(cluster.stack, server)] as const),
  );
  const servers = JSON.stringify(Object.fromEntries(ids));
  const [fresh] = await Promise.all([
    makeTrustee(),
    openstack('stack', 'create', '--wait', ...parameters({ servers, at_once: '2' }), '-t', TEMPLATE, stack),
  ]);

  expect(await update({ ...fresh, trustee_password: 'mistyped' })).toBe('UPDATE_FAILED');
  // The first failed answer ends the stack update: the other may be missing.
  const all = (await Promise.all(SERVERS.map(cluster.deployments))).flat();
  const failed = all.find(({ outcome }) => outcome?.error)?.outcome;
  expect(failed?.error).toEqual({ code: 'login-refused', reason: 'http-401' });
  for (const named of [fresh.trustee_user_id, fresh.trust_id]) expect(failed?.stderr).toContain(named);
  expect(await paramsOf('master-0')).toBe(before);

  expect(await update(fresh)).toBe('UPDATE_COMPLETE');
  for (const server of SERVERS) {
    const params = await paramsOf(server);
    expect(valueOf(params, 'TRUSTEE_PASSWORD')).toBe(fresh.trustee_password);
    expect(valueOf(params, 'TRUST_ID')).toBe(fresh.trust_id);
    const config = await cluster.node(server).read(CLOUD_CONFIG);
    expect(config).toBe(cloudConfig({ ...fresh, trustee_password: `"${fresh.trustee_password}"` }, url));
  }
  expect(cluster.node('worker-0').units.restarts.filter((unit) => unit === 'kubelet')).toHaveLength(1);

  const updated = await updatedAt(cluster.stack);
  await openstack('trust', 'delete', former.trust_id);
  await openstack('coe', 'ca', 'rotate', cluster.uuid);
  // Magnum itself uses the trust in its database: without it, Magnum does not see that the stack is complete.
  const rotation = async (): Promise<string> =>
    (await updatedAt(cluster.stack)) === updated ? 'UPDATE_IN_PROGRESS' : await stackStatus(cluster.stack);
  expect(await settledStatus(rotation)).toBe('UPDATE_COMPLETE');
  const served = new X509Certificate(await openstack('coe', 'ca', 'show', cluster.uuid));
  const found = new X509Certificate(await cluster.node('master-0').read('/etc/kubernetes/certs/ca.crt'));
  expect(found.fingerprint256).toBe(served.fingerprint256);
});
