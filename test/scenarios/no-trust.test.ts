import { expect, onTestFinished, test } from 'vitest';
import { startCloud } from '../cloud/cloud.ts';
import { at, parseObject } from '../cloud/exchange.ts';
import type { Release } from '../cloud/magnum-policy.ts';
import { certificateAt, isSignedBy } from './support/certificates.ts';
import { cli } from './support/cli.ts';
import { createSite, type Site } from './support/site.ts';

/** Nodes without TRUST_ID in heat-params: cluster_user_trust is False in magnum.conf, the default. */

async function createTrustless(release: Release): Promise<Site> {
  const cloud = await startCloud({ release });
  onTestFinished(cloud.close);
  const site = await createSite(cloud);
  await site.setParams({ TRUST_ID: '' });
  // Without the trust, a login that uses it would fail.
  cloud.deleteTrust(site.cluster);
  await cloud.rotateCa(site.cluster);
  return site;
}

test("rotates as the trustee alone if Magnum lets the cluster's user sign", async () => {
  const site = await createTrustless('zed');
  expect((await cli(site, ['run-once'])).code).toBe(0);
  const leaf = certificateAt(await site.files(), '/etc/kubernetes/certs/kubelet.crt');
  expect(isSignedBy(leaf, site.cluster.ca.kubernetes)).toBe(true);
});

test('changes nothing if Magnum rejects the trustee alone, and the doctor names what is missing', async () => {
  const site = await createTrustless('2025.1');
  const before = await site.files();
  expect((await cli(site, ['run-once'])).code).toBe(1);
  expect(await site.files()).toEqual(before);
  expect((await site.ledger())[0]).toMatchObject({
    outcome: { error: { code: 'cloud-refused', reason: 'http-403' } },
  });
  expect(at(parseObject((await cli(site, ['doctor', '--json'])).stdout), 'findings')).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ id: 'trust', verdict: 'good' }),
      expect.objectContaining({ id: 'trust-roles', verdict: 'warning', reason: 'no-trust' }),
      expect.objectContaining({ id: 'magnum-ca', verdict: 'bad', reason: 'http-403' }),
    ]),
  );
});
