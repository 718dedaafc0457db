import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startCloud, type Cloud } from './cloud.ts';
import { makeCsr } from './make-csr.ts';
import { certificates, deploymentsOf, inputsOf, signalHeat, trustToken } from './client.ts';

let cloud: Cloud;
beforeEach(async () => {
  cloud = await startCloud();
});
afterEach(async () => await cloud.close());

const servers = [{ name: 'master-0', role: 'master' }] as const;

test('passes a rotation from the PATCH over the deployment and its signal to UPDATE_COMPLETE', async () => {
  const cluster = await cloud.createCluster({ name: 'k1', servers });
  expect(await deploymentsOf(cluster, 'master-0')).toEqual([]);

  await cloud.rotateCa(cluster);
  expect(cloud.clusterStatus(cluster)).toBe('UPDATE_IN_PROGRESS');
  const [deployment] = await deploymentsOf(cluster, 'master-0');
  const inputs = inputsOf(deployment);
  expect(inputs['deploy_action']).toBe('UPDATE');
  expect(inputs['kube_service_account_key_input']).toMatch(/^-----BEGIN PUBLIC KEY-----\\n.*-----\\n$/);

  await signalHeat(cluster, deployment, { deploy_status_code: 0 });
  expect(await cloud.settled(cluster)).toBe('UPDATE_COMPLETE');
  expect(cloud.clusterStatus(cluster)).toBe('UPDATE_COMPLETE');
  expect(cloud.signals).toMatchObject([{ resource: 'master-0-rotate', accepted: true }]);
});

test('lets a node log in with its trust, and signs its certificate with the CA that Magnum serves', async () => {
  const cluster = await cloud.createCluster({ name: 'k1', servers });
  const magnum = certificates(cluster, await trustToken(cluster));
  const ca = new X509Certificate(await magnum.ca('etcd'));
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const leaf = new X509Certificate(await magnum.sign('etcd', makeCsr(keys, 'etcd')));
  expect(leaf.verify(ca.publicKey)).toBe(true);
  expect(leaf.checkPrivateKey(keys.privateKey)).toBe(true);
  expect(ca.subject).toBe('CN=k1');
});
