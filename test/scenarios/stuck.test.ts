import { expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { at } from '../cloud/exchange.ts';
import { cli } from './support/cli.ts';
import { lastError } from './support/last-error.ts';
import { createSite, type Site } from './support/site.ts';
import { unreadableCopies } from './support/unreadable-copies.ts';

/** A node with a failed roll-back, and the next rotation on it. */

const cloud = await cloudForFile();

async function stuckSite(): Promise<Site> {
  const site = await createSite(cloud);
  site.node.units.breakUnit('kubelet', 'fails to start');
  await cloud.rotateCa(site.cluster);
  await cli(site, ['run-once'], unreadableCopies);
  expect(await lastError(site)).toMatchObject({ node: 'stuck' });
  await cloud.settled(site.cluster);
  return site;
}

const told = (site: Site, name: string): string => String(at(site.signals().at(-1)?.body, name));

test('the next rotation repairs the node', async () => {
  const site = await stuckSite();
  site.node.units.mend('kubelet');
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  expect((await cli(site, ['doctor'])).code).toBe(0);
  expect([...(await site.files('/var/lib/coe-agent/generation')).values()].map(({ type }) => type)).toEqual([
    'directory',
    'directory',
  ]);
});

test('restores the last proven certificates when it fails too', async () => {
  const site = await createSite(cloud);
  const proven = await site.files('/etc/kubernetes');
  site.node.units.breakUnit('kubelet', 'fails to start');
  await cloud.rotateCa(site.cluster);
  await cli(site, ['run-once'], unreadableCopies);
  expect(await site.files('/etc/kubernetes')).not.toEqual(proven);
  await cloud.settled(site.cluster);

  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(await lastError(site)).toMatchObject({ node: 'unproven' });
  expect(await site.files('/etc/kubernetes')).toEqual(proven);
});

test('leaves the node stuck as before when it fails before any replacement', async () => {
  const site = await stuckSite();
  const [files, state] = [await site.files('/etc/kubernetes'), '/var/lib/coe-agent/generation'];
  const before = await site.files(state);
  cloud.fault({ service: 'magnum', method: 'POST', effect: { kind: 'answer', status: 400, body: '{}' } });
  await cloud.rotateCa(site.cluster);
  await site.pass();
  cloud.clearFaults();
  expect(told(site, 'deploy_status_code')).toBe('1');
  expect(await site.files('/etc/kubernetes')).toEqual(files);
  expect(await site.files(state)).toEqual(before);
});

test('agent rollback restarts the units that the stuck rotation had restarted', async () => {
  const site = await stuckSite();
  const { units } = site.node;
  units.mend('kubelet');
  units.startAgain('kube-proxy');
  await cli(site, ['rollback']);
  for (const unit of ['kubelet', 'kube-proxy']) expect(units.hasRead(unit)).toBe(units.wouldRead());
});

test('agent rollback leaves a unit alone that still runs as before the stuck rotation', async () => {
  const site = await stuckSite();
  site.node.units.mend('kubelet');
  const before = site.restarts().length;
  await cli(site, ['rollback']);
  expect(site.restarts().slice(before)).toEqual(['kubelet']);
});

test('a failing rotation over a stuck one also restarts units that only the stuck one had restarted', async () => {
  const site = await createSite(cloud);
  const { units } = site.node;
  // Both units run with the new files when it gets stuck.
  units.breakUnit('kube-proxy', 'is started again and again');
  await cloud.rotateCa(site.cluster);
  await cli(site, ['run-once'], unreadableCopies);
  await cloud.settled(site.cluster);
  units.breakUnit('kube-proxy', 'fails to start');
  units.breakUnit('kubelet', 'fails to start once');

  await cloud.rotateCa(site.cluster);
  const before = site.restarts().length;
  units.mend('kube-proxy');
  await site.pass();
  expect(await lastError(site)).toMatchObject({ reason: 'unit-ended', node: 'taken-back' });
  expect(site.restarts().slice(before)).toEqual(['kubelet', 'kubelet', 'kube-proxy']);
});

test('a phase restarts the units also if a stuck rotation has already placed its files', async () => {
  const site = await createSite(cloud, { server: { inputs: { phase: 'phase' } } });
  const { units } = site.node;
  units.breakUnit('kubelet', 'fails to start');
  site.cluster.stack.parameters['phase'] = 'trust';
  await cloud.rotateCa(site.cluster);
  await cli(site, ['run-once'], unreadableCopies);
  await cloud.settled(site.cluster);
  units.mend('kubelet');
  const before = site.restarts().length;

  cloud.deploy(site.cluster, site.server, {
    resource: 'trust-again',
    group: 'coe-rotate',
    inputs: [{ name: 'phase', type: 'String' }],
    values: { phase: 'trust' },
  });
  await site.pass();
  expect(site.signals().at(-1)?.body).toMatchObject({ deploy_status_code: 0 });
  expect(site.restarts().slice(before)).toEqual(['kubelet', 'kube-proxy']);
});
