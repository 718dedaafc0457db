import { expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { jsonObject, listIn } from '../src/support/fixtures.ts';
import { certificateAt, type Files, fingerprintOf, isSignedBy } from './support/certificates.ts';
import {
  CERTS,
  createStockSite,
  joinEtcd,
  oneLine,
  PRIVATE,
  PUBLIC,
  type StockSite,
} from './support/stock.ts';
import { lastError } from './support/last-error.ts';

/** An unmodified Magnum's own deployment, which has only inputs. */
const cloud = await cloudForFile();

const SERVER = `${CERTS}/server.crt`;

async function rotate(site: StockSite): Promise<Record<string, unknown>> {
  await cloud.rotateCa(site.cluster);
  return await answer(site);
}

/** Updates the stack, and runs a pass of the node. */
async function update(site: StockSite, parameters: Record<string, string>): Promise<Record<string, unknown>> {
  site.cluster.stack.update(parameters);
  return await answer(site);
}

async function answer(site: StockSite): Promise<Record<string, unknown>> {
  await site.pass();
  await cloud.settled(site.cluster);
  return site.answers().at(-1) ?? {};
}

/** The CAs that the node trusts. */
const authoritiesAt = (files: Files): string[] =>
  (files.get(`${CERTS}/ca.crt`)?.content ?? '')
    .split(/(?=-----BEGIN)/)
    .filter((pem) => pem.startsWith('-----BEGIN'))
    .map(fingerprintOf);

/** The output of `agent plan --json` about the pending deployment. */
async function plan(site: StockSite): Promise<Record<string, unknown>> {
  const { stdout } = await site.node.agent('plan', '--json');
  return jsonObject(JSON.stringify(listIn(jsonObject(stdout), 'deployments')[0]));
}

test("coe ca rotate on a master rotates, answers at the deployment's address, and runs no script", async () => {
  const site = await createStockSite(cloud);
  const before = await site.files();
  await cloud.rotateCa(site.cluster);
  expect(await plan(site)).toMatchObject({ verdict: 'planned', magnum: 'rotation' });
  expect(await answer(site)).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  expect(cloud.stackStatus(site.cluster)).toBe('UPDATE_COMPLETE');
  const files = await site.files();
  expect(isSignedBy(certificateAt(files, SERVER), site.cluster.ca.kubernetes)).toBe(true);
  expect(authoritiesAt(files)).toEqual([fingerprintOf(site.cluster.ca.kubernetes)]);
  expect(files.get(PRIVATE)?.content).toBe(site.pair().privateKey);
  expect(files.get(PUBLIC)?.content).toBe(site.pair().publicKey + site.creation.publicKey);
  expect(files.get(SERVER)?.content).not.toBe(before.get(SERVER)?.content);
  expect(
    [...(await site.files('/')).keys()].filter((path) => /made-certificates|podman-words/.test(path)),
  ).toEqual([]);
});

test('coe ca rotate on a worker rotates as well', async () => {
  const site = await createStockSite(cloud, 'worker');
  expect(await rotate(site)).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  const leaf = certificateAt(await site.files(), `${CERTS}/kubelet.crt`);
  expect(isSignedBy(leaf, site.cluster.ca.kubernetes)).toBe(true);
});

test('answers the same keys at once, and restarts nothing', async () => {
  const site = await createStockSite(cloud);
  await rotate(site);
  const [files, restarts] = [await site.files(), site.restarts().length];
  site.cluster.stack.update({ kube_image_digest: 'sha256:1' });
  expect(await plan(site)).toMatchObject({ magnum: 'nothing' });
  expect(await answer(site)).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  expect(await site.files()).toEqual(files);
  expect(site.restarts()).toHaveLength(restarts);
});

test('rotates a second time', async () => {
  const site = await createStockSite(cloud);
  await rotate(site);
  expect(await rotate(site)).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  expect(isSignedBy(certificateAt(await site.files(), SERVER), site.cluster.ca.kubernetes)).toBe(true);
});

test('changes only the keys, with a grace, if only they differ', async () => {
  const site = await createStockSite(cloud);
  // Magnum's own scripts have rotated the node, and left the pair of the creation.
  await rotate(site);
  await site.node.write(PUBLIC, site.creation.publicKey, 0o440);
  await site.node.write(PRIVATE, site.creation.privateKey, 0o440);
  const restarts = site.restarts().length;
  const before = await site.files();
  site.cluster.stack.update({ kube_image_digest: 'sha256:1' });
  expect(await answer(site)).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  const after = await site.files();
  expect(after.get(PRIVATE)?.content).toBe(site.pair().privateKey);
  expect(after.get(PUBLIC)?.content).toBe(site.pair().publicKey + site.creation.publicKey);
  const changed = [...after].filter(([path, { content }]) => before.get(path)?.content !== content);
  expect(changed.map(([path]) => path)).toEqual([PUBLIC, PRIVATE]);
  // No other component has a flag for these files.
  expect(site.restarts().slice(restarts)).toEqual(['kube-apiserver', 'kube-controller-manager']);
});

test("restores the creation's keys when the first rotation is rolled back, and keeps the certificates", async () => {
  const site = await createStockSite(cloud, 'master', { others: [{ name: 'worker-1', role: 'worker' }] });
  const { cluster } = site;
  await cloud.rotateCa(cluster);
  const first = site.pair();
  await site.pass();
  const rotated = await site.files();
  const other = cluster.stack.resources.get('worker-1-rotate');
  if (other) cluster.stack.signal(other, { deploy_status_code: 1 });
  const mine = cluster.stack.resources.get('upgrade_kubernetes_deployment');
  await cloud.until(() => mine?.current?.status === 'IN_PROGRESS');
  expect(await plan(site)).toMatchObject({ magnum: 'roll-back' });
  await site.pass();
  expect(site.answers().map((body) => body['deploy_status_code'])).toEqual([0, 0]);
  const after = await site.files();
  expect(after.get(PRIVATE)?.content).toBe(site.creation.privateKey);
  expect(after.get(PUBLIC)?.content).toBe(site.creation.publicKey + first.publicKey);
  expect(after.get(SERVER)?.content).toBe(rotated.get(SERVER)?.content);
});

test('keeps the certificates of a node that was never asked when the rotation is rolled back', async () => {
  const site = await createStockSite(cloud);
  const { creation, cluster } = site;
  await cloud.rotateCa(cluster);
  const before = await site.files();
  // The deployment with the new pair is gone before the node has seen it.
  const back = {
    kube_service_account_key: oneLine(creation.publicKey),
    kube_service_account_private_key: oneLine(creation.privateKey),
  };
  expect(await update(site, back)).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  expect(await site.files()).toEqual(before);
});

test('repeats a failed rotation when the same keys are sent again', async () => {
  const site = await createStockSite(cloud);
  site.node.units.breakUnit('kubelet', 'keeps the old certificate');
  await cloud.rotateCa(site.cluster);
  const resource = site.cluster.stack.resources.get('upgrade_kubernetes_deployment');
  const values = resource?.current?.values ?? {};
  await site.pass();
  expect(site.answers().at(-1)).toMatchObject({ deploy_status_code: 1 });
  site.node.units.mend('kubelet');
  expect(await cloud.settled(site.cluster)).toBe('ROLLBACK_COMPLETE');
  if (resource) site.cluster.stack.deploy(resource, 'UPDATE', values);
  expect(await answer(site)).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  expect(isSignedBy(certificateAt(await site.files(), SERVER), site.cluster.ca.kubernetes)).toBe(true);
});

test('runs the first phase on one of several masters, and leaves nothing to the owner', async () => {
  const site = await createStockSite(cloud);
  await joinEtcd(site, 3);
  const before = await site.files();
  const told = await rotate(site);
  expect(told).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  expect(told['deploy_stdout']).not.toContain('phase=reissue');
  const after = await site.files();
  const { ca, previousCa } = site.cluster;
  expect(authoritiesAt(after)).toEqual(
    [previousCa?.kubernetes, ca.kubernetes].map((pem) => fingerprintOf(pem ?? '')),
  );
  expect(after.get(SERVER)?.content).toBe(before.get(SERVER)?.content);
  expect(after.get(PRIVATE)?.content).toBe(site.creation.privateKey);
  // The same keys again name a phase that the node has reached.
  const restarts = site.restarts().length;
  expect(await update(site, { kube_image_digest: 'sha256:1' })).toMatchObject({ deploy_status_code: 0 });
  expect(site.restarts()).toHaveLength(restarts);
});

test.each([1, 3])(
  'forgets the next pair when Heat goes back after trust, with %i masters',
  async (members) => {
    const site = await createStockSite(cloud, 'master', { config: { rotation: { phase: 'trust' } } });
    await joinEtcd(site, members);
    await rotate(site);
    expect((await site.files()).get(PRIVATE)?.content).toBe(site.creation.privateKey);
    const { creation } = site;
    const back = {
      kube_service_account_key: oneLine(creation.publicKey),
      kube_service_account_private_key: oneLine(creation.privateKey),
    };
    const restarts = site.restarts().length;
    expect(await update(site, back)).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
    expect(site.restarts()).toHaveLength(restarts);
    await site.node.write('/etc/coe-agent/agent.d/20-phase.yaml', 'rotation: { phase: reissue }\n');
    cloud.deploy(site.cluster, site.server, { group: 'coe-rotate', values: { phase: 'reissue' } });
    expect(await answer(site)).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
    const after = await site.files();
    expect(isSignedBy(certificateAt(after, SERVER), site.cluster.ca.kubernetes)).toBe(true);
    expect(after.get(PRIVATE)?.content).toBe(creation.privateKey);
  },
);

test('puts a worker that does not rotate automatically into the phase of its masters', async () => {
  const site = await createStockSite(cloud, 'worker', { config: { rotation: { phase: 'all' } } });
  const api = await createStockSite(cloud);
  const port = String(api.node.units.port('kube-apiserver'));
  await site.setParams({ KUBE_MASTER_IP: '127.0.0.1', KUBE_API_PORT: port });
  const before = await site.files();
  const told = await rotate(site);
  expect(told['deploy_stdout']).toContain('--parameter phase=reissue');
  const after = await site.files();
  expect(after.get(`${CERTS}/kubelet.crt`)?.content).toBe(before.get(`${CERTS}/kubelet.crt`)?.content);
  expect(authoritiesAt(after)).toContain(fingerprintOf(site.cluster.ca.kubernetes));
});

test('rejects the phase "all" on one of several masters, before any replacement', async () => {
  const site = await createStockSite(cloud, 'master', { config: { rotation: { phase: 'all' } } });
  await joinEtcd(site, 3);
  cloud.deploy(site.cluster, site.server, {
    group: 'coe-rotate',
    inputs: [{ name: 'phase' }],
    values: { phase: 'all' },
  });
  const [files, restarts] = [await site.files(), site.restarts().length];
  await site.pass();
  const [settled] = site.signals().map(({ body }) => body);
  expect(settled).toMatchObject({ deploy_status_code: 1 });
  expect(await lastError(site)).toEqual({ code: 'precondition', reason: 'phases-needed' });
  expect(await site.files()).toEqual(files);
  expect(site.restarts()).toHaveLength(restarts);
});
