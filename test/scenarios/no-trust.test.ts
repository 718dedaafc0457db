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

const SECRET = 'the secret of the credential';

/** The id of an application credential of the cluster's owner. */
const makeCredential = ({ cloud: { identity, owner, project } }: Site): string =>
  identity.addApplicationCredential({ name: 'node', secret: SECRET, user: owner, project }).id;

test.each([
  [
    'agent.yaml',
    async (site: Site, id: string) => {
      await site.node.configure({ cloud: { application_credential: { id, secret: SECRET } } });
    },
  ],
  [
    'heat-params',
    async (site: Site, id: string) => {
      await site.setParams({ APPLICATION_CREDENTIAL_ID: id, APPLICATION_CREDENTIAL_SECRET: SECRET });
    },
  ],
] as const)(
  'an application credential in %s is the login, and its secret is shown nowhere',
  async (_, give) => {
    const site = await createTrustless('2025.1');
    const id = makeCredential(site);
    await give(site, id);
    // Nothing is asked of the trustee any more.
    await site.setParams({ TRUSTEE_USER_ID: '', TRUSTEE_PASSWORD: '' });
    const plan = await cli(site, ['plan']);
    const run = await cli(site, ['run-once', '--log-level', 'debug']);
    expect(run.code).toBe(0);
    const leaf = certificateAt(await site.files(), '/etc/kubernetes/certs/kubelet.crt');
    expect(isSignedBy(leaf, site.cluster.ca.kubernetes)).toBe(true);
    const doctor = await cli(site, ['doctor', '--json']);
    expect(at(parseObject(doctor.stdout), 'findings')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: 'trust', verdict: 'good', login: `application credential ${id}` }),
        expect.objectContaining({ id: 'trust-roles', reason: 'more-than-needed' }),
      ]),
    );
    for (const { stdout, stderr } of [plan, run, doctor]) expect(stdout + stderr).not.toContain(SECRET);
  },
);

test('a secret without its id is told, and one that is refused', async () => {
  const site = await createTrustless('2025.1');
  await site.setParams({ APPLICATION_CREDENTIAL_SECRET: SECRET });
  expect((await cli(site, ['run-once'])).code).toBe(1);
  expect((await site.ledger())[0]).toMatchObject({
    outcome: { error: { code: 'bad-heat-params', reason: 'values-missing' } },
  });
  await site.setParams({ APPLICATION_CREDENTIAL_ID: 'another' });
  expect(at(parseObject((await cli(site, ['doctor', '--json'])).stdout), 'findings')).toEqual(
    expect.arrayContaining([expect.objectContaining({ id: 'trust', verdict: 'bad', reason: 'http-401' })]),
  );
});
