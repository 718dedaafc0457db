import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { at } from '../cloud/exchange.ts';
import { cli } from './support/cli.ts';
import { createSite, type Site } from './support/site.ts';
import { unreadableCopies } from './support/unreadable-copies.ts';

/** A node whose rotation could not be taken back, and what the next rotation makes of it. */

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(async () => {
  await cloud.close();
});

async function stuckSite(): Promise<Site> {
  const site = await createSite(cloud);
  site.node.units.breakUnit('kubelet', 'fails to start');
  await cloud.rotateCa(site.cluster);
  const { stdout } = await cli(site, ['run-once'], unreadableCopies);
  expect(stdout).toContain('the old files could not be brought back');
  await cloud.settled(site.cluster);
  return site;
}

const told = (site: Site, name: string): string => String(at(site.signals().at(-1)?.body, name));

test('the next rotation makes the node whole', async () => {
  const site = await stuckSite();
  site.node.units.mend('kubelet');
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  const { code, stdout } = await cli(site, ['doctor']);
  expect([code, stdout]).toEqual([0, expect.stringContaining('every certificate is good')]);
  expect([...(await site.files('/var/lib/coe-agent/generation')).values()].map(({ type }) => type)).toEqual([
    'directory',
    'directory',
  ]);
});

test('when it fails too, the certificates that were proven last come back', async () => {
  const site = await createSite(cloud);
  const proven = await site.files('/etc/kubernetes');
  site.node.units.breakUnit('kubelet', 'fails to start');
  await cloud.rotateCa(site.cluster);
  await cli(site, ['run-once'], unreadableCopies);
  expect(await site.files('/etc/kubernetes')).not.toEqual(proven);
  await cloud.settled(site.cluster);

  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(told(site, 'deploy_stderr')).toContain('the old files are back');
  expect(await site.files('/etc/kubernetes')).toEqual(proven);
});

test('when it fails before anything has been replaced, the node is stuck as before', async () => {
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
