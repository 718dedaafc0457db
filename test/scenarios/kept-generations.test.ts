import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KEPT } from '../../agent/paths.ts';
import { ORDERS } from '../../agent/phases/record.ts';
import { keepUp } from '../../agent/upkeep.ts';
import { at } from '../cloud/exchange.ts';
import { NEVER } from '../src/support/clock.ts';
import { jsonObject, listIn } from '../src/support/fixtures.ts';
import { certificateAt, isSignedBy } from './support/certificates.ts';
import { cli } from './support/cli.ts';
import { ETCD_LIST, listOf, serialOf } from './support/lists.ts';
import { startPhasedCloud } from './support/phased-cloud.ts';
import { createSite, type Site } from './support/site.ts';

/** What `agent rollback` finds after a success. */

const { cloud, rotateCa, ask, answer } = await startPhasedCloud();

const LEAF = '/etc/kubernetes/certs/kubelet.crt';
const CA = '/etc/kubernetes/certs/ca.crt';
const DAY_MS = 86_400_000;

const leafOf = async (site: Site): Promise<string> => await site.node.read(LEAF);
const idsOf = async (site: Site): Promise<string[]> => [...(await site.files(KEPT)).keys()];

async function renew(site: Site): Promise<void> {
  site.clock.jump(1000);
  expect((await cli(site, ['repair', '--force'])).code).toBe(0);
}

async function rollback(site: Site, ...options: string[]): Promise<Record<string, unknown>> {
  return jsonObject((await cli(site, ['rollback', '--json', ...options])).stdout);
}

const listed = async (site: Site): Promise<unknown[]> => listIn(await rollback(site, '--list'), 'kept');

describe('a renewal', () => {
  test('the former certificates come back, proven and without the cloud, and the new ones again after that', async () => {
    const site = await createSite(cloud, { role: 'master' });
    const before = await site.files();
    await renew(site);
    const renewed = await site.files();
    expect(renewed.get(LEAF)).not.toEqual(before.get(LEAF));

    const [requests, restarts] = [cloud.requests.length, site.restarts().length];
    expect(await rollback(site)).toMatchObject({ rolledBack: true, to: expect.any(String) as unknown });
    expect(await site.files()).toEqual(before);
    expect(cloud.requests).toHaveLength(requests);
    expect(site.restarts().slice(restarts)).toContain('kubelet');
    // No rotation is under way that would have to wait.
    expect(await site.node.read(ORDERS).catch(() => 'none')).toBe('none');

    site.clock.jump(1000);
    expect(await rollback(site)).toMatchObject({ rolledBack: true });
    expect(await site.files()).toEqual(renewed);
  });

  test('two are kept, for root alone, and each comes back by its name', async () => {
    const site = await createSite(cloud);
    const leaves: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      leaves.push(await leafOf(site));
      await renew(site);
    }
    const kept = await site.files(KEPT);
    expect([...kept.values()].map(({ mode, type }) => [type, mode])).toEqual([
      ['file', 0o600],
      ['file', 0o600],
    ]);
    const [, older] = await listed(site);
    expect(older).toMatchObject({ runId: 'repair', formerCas: [], faults: [] });
    expect(await rollback(site, '--to', String(at(older, 'id')))).toMatchObject({ to: at(older, 'id') });
    expect(await leafOf(site)).toBe(leaves[1]);
  });

  test('none is kept where none is to be, and those of before go', async () => {
    const site = await createSite(cloud);
    await renew(site);
    expect(await idsOf(site)).toHaveLength(1);
    await site.node.configure({ generations: { keep: 0 } });
    await renew(site);
    expect(await idsOf(site)).toEqual([]);
    expect(await rollback(site)).toMatchObject({ rolledBack: false, reason: 'nothing-to-roll-back' });
  });

  test('keeps the present certificates if a unit does not start with the former ones', async () => {
    const site = await createSite(cloud);
    await renew(site);
    const renewed = await site.files();
    site.node.units.breakUnit('kubelet', 'fails to start');
    expect(await rollback(site)).toMatchObject({ error: { code: 'unit' } });
    expect(await site.files()).toEqual(renewed);
  });

  test('a damaged record is left out, and the next one takes its place', async () => {
    const site = await createSite(cloud);
    await renew(site);
    const [path = ''] = await idsOf(site);
    await truncate(join(site.node.root, path), 100);
    expect(await rollback(site)).toMatchObject({ rolledBack: false });
    await renew(site);
    expect(await idsOf(site)).toEqual([expect.not.stringContaining(path) as unknown]);
  });

  test('no way back leads to certificates that have ended, and upkeep removes them', async () => {
    const site = await createSite(cloud, { validity: { leafDays: 40, validityDays: 400 } });
    await renew(site);
    const renewed = await leafOf(site);
    site.clock.jump(50 * DAY_MS);
    expect(await rollback(site)).toMatchObject({ error: { reason: 'kept-unfit' } });
    expect(await leafOf(site)).toBe(renewed);
    await keepUp(await site.start(), NEVER);
    expect(await idsOf(site)).toEqual([]);
  });

  test('no way back leads to a certificate that a list in place revokes', async () => {
    const site = await createSite(cloud, { role: 'master' });
    const revoked = serialOf(await site.node.read('/etc/etcd/certs/admin.crt'));
    await renew(site);
    const { pem } = await listOf(site, { serials: [revoked] });
    await site.node.write(ETCD_LIST, pem);
    expect(await rollback(site)).toMatchObject({ error: { reason: 'kept-unfit' } });
  });

  test('an unknown name is refused', async () => {
    const site = await createSite(cloud);
    expect(await rollback(site, '--to', 'another')).toMatchObject({ error: { code: 'usage' } });
  });
});

describe('a rotation', () => {
  test('the former CA is trusted again only when that is asked for', async () => {
    const site = await createSite(cloud);
    const before = await site.files();
    await cloud.rotateCa(site.cluster);
    await site.pass();
    const rotated = await site.files();
    expect(await rollback(site)).toMatchObject({ error: { reason: 'former-ca' } });
    expect(await site.files()).toEqual(rotated);
    expect(await rollback(site, '--former-ca')).toMatchObject({ heldUntil: expect.any(String) as unknown });
    expect(await site.files()).toEqual(before);
  });

  test('what trusts a retired CA is kept no longer, unless that is configured', async () => {
    const inPhases = async (config: Record<string, unknown>): Promise<Site> => {
      const site = await createSite(cloud, { config, server: { inputs: { phase: 'phase' } } });
      await renew(site);
      site.clock.jump(1000);
      await rotateCa(site, 'trust');
      expect(await answer(site)).toMatchObject({ deploy_status_code: 0 });
      for (const phase of ['reissue', 'retire'] as const) {
        if (phase === 'retire') expect(await idsOf(site)).toHaveLength(2);
        site.clock.jump(1000);
        expect(await ask(site, phase)).toMatchObject({ deploy_status_code: 0 });
      }
      return site;
    };
    const retired = await inPhases({});
    expect(await idsOf(retired)).toEqual([]);
    expect(isSignedBy(certificateAt(await retired.files(), LEAF), retired.cluster.ca.kubernetes)).toBe(true);
    const asked = await inPhases({ generations: { keep_retired: true } });
    expect(await listed(asked)).toMatchObject([{ formerCas: [expect.any(String) as unknown] }, {}]);
  });

  test('service-account keys stay as they are: tokens of the new one go on', async () => {
    const site = await createSite(cloud, { role: 'master' });
    await cloud.rotateCa(site.cluster);
    await site.pass();
    const key = '/etc/kubernetes/certs/service_account_private.key';
    const [rotated, ca] = [await site.node.read(key), await site.node.read(CA)];
    expect(await rollback(site, '--former-ca')).toMatchObject({ rolledBack: true });
    expect(await site.node.read(key)).toBe(rotated);
    expect(await site.node.read(CA)).not.toBe(ca);
  });
});
