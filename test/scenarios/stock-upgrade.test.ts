import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newMemory, pass } from '../../agent/pass.ts';
import { AgentError } from '../../src/base/errors.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { stockScript } from '../cloud/stock-script.ts';
import { NEVER } from '../src/support/clock.ts';
import { certificateAt, isSignedBy } from './support/certificates.ts';
import { CERTS, createStockSite, FIRST_TAG, PUBLIC, type StockSite } from './support/stock.ts';
import { lastError } from './support/last-error.ts';

/** An upgrade by Magnum's own deployment, whose text is written for the inside of heat-container-agent. */
const cloud = await cloudForFile();

const SERVER = `${CERTS}/server.crt`;
const NEXT_TAG = 'v1.24.0';

/** The arguments of every started podman; none without one. */
const podmanWords = async (site: StockSite): Promise<string[]> =>
  await site.node.read('/podman-words').then(
    (text) => text.trimEnd().split('\n'),
    () => [],
  );

const tagOf = async (site: StockSite): Promise<string | undefined> =>
  (await site.node.read('/etc/sysconfig/heat-params')).match(/KUBE_TAG=.*/g)?.at(-1);

const hasMadeCertificates = async (site: StockSite): Promise<boolean> =>
  (await readdir(site.node.root)).includes('made-certificates');

async function answer(site: StockSite): Promise<Record<string, unknown>> {
  await site.passBeside();
  await cloud.settled(site.cluster);
  return site.answers().at(-1) ?? {};
}

test('runs only the upgrade, in a container with the rights and mounts of heat-container-agent', async () => {
  const site = await createStockSite(cloud);
  const before = await site.files('/etc/kubernetes');
  site.cluster.stack.update({ kube_tag: NEXT_TAG });
  const told = await answer(site);
  expect(told).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  expect(await tagOf(site)).toBe(`KUBE_TAG=${NEXT_TAG}`);
  expect(await hasMadeCertificates(site)).toBe(false);
  expect(await site.files('/etc/kubernetes')).toEqual(before);

  const words = await podmanWords(site);
  const image = words.indexOf('docker.io/openstackmagnum/heat-container-agent:victoria-stable-1');
  expect(words.slice(0, 2)).toEqual(['run', '--rm']);
  expect(words.slice(2, image).join(' ')).toContain(
    '--privileged --net=host --volume /srv/magnum:/srv/magnum --volume /etc/:/etc/ --volume /var/lib:/var/lib',
  );
  expect(words.slice(2, image)).not.toContain('--name');
  expect(words.slice(2, image).join(' ')).toContain('--env kube_tag_input');
  expect(words[image + 1]).toBe('/bin/bash');
  // Other users can read arguments.
  expect(words.join('\n')).not.toMatch(/PRIVATE KEY|v1\.24/);
  expect(await readdir(join(site.node.root, 'var/lib/coe-agent/runs'))).toEqual([]);
});

test('rotates after the upgrade if Magnum serves other CAs', async () => {
  const site = await createStockSite(cloud);
  await cloud.rotateCa(site.cluster);
  site.cluster.stack.update({ kube_tag: NEXT_TAG });
  expect(await answer(site)).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  expect(await tagOf(site)).toBe(`KUBE_TAG=${NEXT_TAG}`);
  expect(isSignedBy(certificateAt(await site.files(), SERVER), site.cluster.ca.kubernetes)).toBe(true);
  expect(await hasMadeCertificates(site)).toBe(false);
});

test('rejects an upgrade on a node without the container, before any change', async () => {
  const site = await createStockSite(cloud);
  const before = await site.files();
  await cloud.rotateCa(site.cluster);
  site.cluster.stack.update({ kube_tag: NEXT_TAG });
  await site.pass();
  const [told] = site.answers();
  expect(told).toMatchObject({ deploy_status_code: 1 });
  expect(await lastError(site)).toEqual({ code: 'precondition', reason: 'no-agent-container' });
  expect(await site.files()).toEqual(before);
  expect(await podmanWords(site)).toEqual([]);
});

test('reports how the upgrade failed, and changes no certificate', async () => {
  const site = await createStockSite(cloud);
  const before = await site.files();
  await cloud.rotateCa(site.cluster);
  cloud.deploy(site.cluster, site.server, {
    resource: 'upgrade_kubernetes_deployment',
    config: stockScript('master').replace('"$UPGRADE_FAILS" != yes', 'no != no'),
    inputs: site.cluster.stack.resources.get('upgrade_kubernetes_deployment')?.config.inputs ?? [],
    values: {
      ...site.cluster.stack.resources.get('upgrade_kubernetes_deployment')?.current?.values,
      kube_tag_input: NEXT_TAG,
    },
  });
  await site.passBeside();
  expect(site.answers().at(-1)).toMatchObject({ deploy_status_code: 3 });
  expect(await site.files()).toEqual(before);
});

const stopped = async (): Promise<never> =>
  await Promise.reject(new AgentError('aborted', 'the program is to stop'));

test('continues with the certificates after an interruption, and upgrades once', async () => {
  const site = await createStockSite(cloud);
  await cloud.rotateCa(site.cluster);
  site.cluster.stack.update({ kube_tag: NEXT_TAG });
  await expect(site.passBeside(undefined, { openCluster: stopped })).rejects.toMatchObject({
    code: 'aborted',
  });
  expect(await tagOf(site)).toBe(`KUBE_TAG=${NEXT_TAG}`);
  const words = await podmanWords(site);
  expect(await answer(site)).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  expect(await podmanWords(site)).toEqual(words);
  expect(isSignedBy(certificateAt(await site.files(), SERVER), site.cluster.ca.kubernetes)).toBe(true);
});

test("returns to the earlier version on Heat's roll-back", async () => {
  const site = await createStockSite(cloud);
  site.cluster.stack.update({ kube_tag: NEXT_TAG });
  await answer(site);
  site.cluster.stack.update({ kube_tag: FIRST_TAG });
  expect(await answer(site)).toMatchObject({ deploy_status_code: 0 });
  expect(await tagOf(site)).toBe(`KUBE_TAG=${FIRST_TAG}`);
  expect(await site.node.read(PUBLIC)).toBe(site.creation.publicKey);
});

test('runs a script that makes certificates in an existing container, and never on the host', async () => {
  const site = await createStockSite(cloud);
  const mine = { group: 'script', resource: 'mine', config: stockScript('worker') };
  cloud.deploy(site.cluster, site.server, mine);
  await site.pass();
  const answers = () => site.signals().filter(({ resource }) => resource === 'mine');
  expect(answers().at(-1)?.body).toMatchObject({ deploy_status_code: 1 });
  expect(await lastError(site)).toEqual({ code: 'precondition', reason: 'no-agent-container' });
  expect(await hasMadeCertificates(site)).toBe(false);

  cloud.deploy(site.cluster, site.server, mine);
  await site.passBeside();
  expect(answers().at(-1)?.body).toMatchObject({ deploy_status_code: 0 });
  expect(await hasMadeCertificates(site)).toBe(true);
  expect(await podmanWords(site)).not.toEqual([]);
});

test("treats Magnum's own deployment as an ordinary script with magnum.deployment: script", async () => {
  const site = await createStockSite(cloud, 'master', { config: { magnum: { deployment: 'script' } } });
  const before = await site.files();
  await cloud.rotateCa(site.cluster);
  await pass(await site.start(), newMemory(), NEVER);
  const told = site.answers().at(-1);
  expect(told).toMatchObject({ deploy_status_code: 1 });
  expect(await lastError(site)).toEqual({ code: 'precondition', reason: 'no-agent-container' });
  expect(await site.files()).toEqual(before);
});
