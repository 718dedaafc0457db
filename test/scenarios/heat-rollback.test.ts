import { expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { certificateAt, isSignedBy } from './support/certificates.ts';
import { createSite, type Site } from './support/site.ts';

/** Heat's requests to the nodes after a failure anywhere in the stack, as observed on a real Heat. */
const cloud = await cloudForFile();

const PUBLIC = '/etc/kubernetes/certs/service_account.key';
const PRIVATE = '/etc/kubernetes/certs/service_account_private.key';
const SERVER = '/etc/kubernetes/certs/server.crt';

const pemOf = (site: Site, name: string): string =>
  (site.cluster.stack.parameters[name] ?? '').replaceAll(String.raw`\n`, '\n');
const publicKeyOf = (site: Site): string => pemOf(site, 'kube_service_account_key');
const privateKeyOf = (site: Site): string => pemOf(site, 'kube_service_account_private_key');

const codesOf = (site: Site): unknown[] =>
  site
    .signals()
    .filter(({ resource }) => resource === `${site.server}-rotate`)
    .map(({ body }) => body?.['deploy_status_code']);

test('keeps the old certificates and stays idle if Heat requests nothing after a failure', async () => {
  const site = await createSite(cloud);
  const before = await site.files();
  site.node.units.breakUnit('kubelet', 'keeps the old certificate');
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(await cloud.settled(site.cluster)).toBe('ROLLBACK_COMPLETE');
  expect(codesOf(site)).toEqual([1]);
  expect(await site.files()).toEqual(before);

  expect(await site.pass()).toMatchObject({ settled: [], problems: [], open: [] });
  site.node.units.mend('kubelet');
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  expect(
    isSignedBy(
      certificateAt(await site.files(), '/etc/kubernetes/certs/kubelet.crt'),
      site.cluster.ca.kubernetes,
    ),
  ).toBe(true);
});

test('answers empty inputs with a new id after a failure as done, without a rotation', async () => {
  const site = await createSite(cloud, { role: 'master', server: { actions: ['CREATE', 'UPDATE'] } });
  await site.pass();
  expect(await cloud.settled(site.cluster)).toBe('CREATE_COMPLETE');
  const [created, restarts] = [await site.files(), site.restarts().length];

  site.node.units.breakUnit('kube-scheduler', 'fails to start');
  await cloud.rotateCa(site.cluster);
  await site.pass();
  await cloud.until(() => cloud.stackStatus(site.cluster) === 'ROLLBACK_IN_PROGRESS');
  site.node.units.mend('kube-scheduler');
  expect(await site.files()).toEqual(created);
  const [requests, failedRestarts] = [cloud.requests.length, site.restarts().length];
  expect(failedRestarts).toBeGreaterThan(restarts);
  await cloud.until(() => deploymentsOn(site) === 2);

  const { settled } = await site.pass();
  expect(settled).toMatchObject([{ outcome: { statusCode: 0 } }]);
  expect(await cloud.settled(site.cluster)).toBe('ROLLBACK_COMPLETE');
  expect(await site.files()).toEqual(created);
  expect(site.restarts()).toHaveLength(failedRestarts);
  expect(cloud.requests.slice(requests).filter(({ service }) => service === 'magnum')).toEqual([]);
  expect(codesOf(site)).toEqual([0, 1, 0]);
});

const deploymentsOn = ({ cluster, server }: Site): number => cluster.stack.deploymentsOn(server).length;

test('restores the former service-account keys for the former inputs, and keeps the certificates', async () => {
  const others = [{ name: 'worker-1', role: 'worker' }] as const;
  const site = await createSite(cloud, { role: 'master', others });
  const { cluster } = site;
  const answerOfOther = (code: number): void => {
    const resource = cluster.stack.resources.get('worker-1-rotate');
    if (resource) cluster.stack.signal(resource, { deploy_status_code: code });
  };
  await cloud.rotateCa(cluster);
  const firstKey = publicKeyOf(site);
  const firstPrivateKey = privateKeyOf(site);
  answerOfOther(0);
  await site.pass();
  expect(await cloud.settled(cluster)).toBe('UPDATE_COMPLETE');

  await cloud.rotateCa(cluster);
  const secondKey = publicKeyOf(site);
  await site.pass();
  const rotated = await site.files();
  // Tokens signed with the first key are accepted for a while.
  expect(rotated.get(PUBLIC)?.content).toBe(secondKey + firstKey);
  expect(rotated.get(PRIVATE)?.content).toBe(privateKeyOf(site));
  const restarts = site.restarts().length;
  // The worker fails, and Heat rolls back what the master has completed.
  answerOfOther(1);
  await cloud.until(() => cluster.stack.resources.get('master-0-rotate')?.current?.status === 'IN_PROGRESS');
  await site.pass();

  expect(codesOf(site)).toEqual([0, 0, 0]);
  const after = await site.files();
  expect(after.get(PUBLIC)?.content).toBe(firstKey + secondKey);
  expect(after.get(PRIVATE)?.content).toBe(firstPrivateKey);
  expect(firstKey).not.toBe(secondKey);
  expect(after.get(SERVER)?.content).toBe(rotated.get(SERVER)?.content);
  expect(isSignedBy(certificateAt(after, SERVER), cluster.ca.kubernetes)).toBe(true);
  // Units that sign and verify tokens have to reread the keys.
  expect(site.restarts().slice(restarts)).toEqual(['kube-apiserver', 'kube-controller-manager']);
});

test('rotates on a request after a roll-back, even one like that of its predecessor', async () => {
  const site = await createSite(cloud, { role: 'master', server: { actions: ['CREATE', 'UPDATE'] } });
  await site.pass();
  site.node.units.breakUnit('etcd', 'fails to start');
  await cloud.rotateCa(site.cluster);
  await site.pass();
  site.node.units.mend('etcd');
  await cloud.until(() => deploymentsOn(site) === 2);
  await site.pass();
  await cloud.settled(site.cluster);

  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  const after = await site.files();
  expect(isSignedBy(certificateAt(after, SERVER), site.cluster.ca.kubernetes)).toBe(true);
  expect(after.get(PUBLIC)?.content).toBe(publicKeyOf(site));
});
