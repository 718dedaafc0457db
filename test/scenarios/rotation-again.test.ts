import { describe, expect, test } from 'vitest';
import { token } from '../cloud/client.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { certificateAt, type Files, isSignedBy } from './support/certificates.ts';
import { createSite, type Site } from './support/site.ts';

/** Requests and answers of rotations: repeated, in a row, with a token, over each transport. */

const cloud = await cloudForFile();

/** Without files that are not rotated. */
const certificatesOf = (files: Files): Files =>
  new Map(
    [...files].filter(([path, { type }]) => type === 'file' && /\/etc\/(kubernetes|etcd)\//.test(path)),
  );

/** Files that are equal in both. */
const unchanged = (a: Files, b: Files): string[] =>
  [...certificatesOf(a)]
    .filter(([path, { content }]) => b.get(path)?.content === content)
    .map(([path]) => path);

test('changes nothing, restarts nothing and sends no answer for the same deployment', async () => {
  const site = await createSite(cloud);
  await cloud.rotateCa(site.cluster);
  await site.pass();
  const [files, restarts, requests] = [await site.files(), site.restarts(), cloud.requests.length];
  const { settled, open } = await site.pass();
  expect({ settled, open }).toEqual({ settled: [], open: [] });
  expect(await site.files()).toEqual(files);
  expect(site.restarts()).toEqual(restarts);
  expect(site.signals()).toHaveLength(1);
  expect(cloud.requests.slice(requests).map(({ service, method }) => `${service} ${method}`)).toEqual([
    'keystone POST',
    'heat GET',
  ]);
});

test('replaces every file in each of three rotations in a row', async () => {
  const site = await createSite(cloud, { role: 'master' });
  let before = await site.files();
  for (const round of [1, 2, 3]) {
    await cloud.rotateCa(site.cluster);
    await site.pass();
    expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
    const after = await site.files();
    expect(unchanged(before, after), `round ${round}`).toEqual([]);
    const server = certificateAt(after, '/etc/kubernetes/certs/server.crt');
    expect(isSignedBy(server, site.cluster.ca.kubernetes)).toBe(true);
    before = after;
  }
  expect(site.restarts()).toHaveLength(18);
});

test('uses a keystone_token in the inputs instead of the trust', async () => {
  const site = await createSite(cloud);
  // A login with the trust is refused.
  cloud.deleteTrust(site.cluster);
  const { name, domain, password } = cloud.owner;
  const scope = { project: { id: cloud.project.id } };
  const issued = await token(cloud.authUrl, { name, domain: { id: domain.id }, password }, scope);
  cloud.deploy(site.cluster, site.server, {
    group: 'coe-rotate',
    inputs: [{ name: 'keystone_token' }],
    values: { keystone_token: issued },
  });
  const [before, requests] = [await site.files(), cloud.requests.length];
  const { settled } = await site.pass();
  expect(settled.map(({ outcome }) => outcome.stderr)).toEqual(['']);
  expect(unchanged(before, await site.files())).toEqual(['/etc/kubernetes/certs/ca.crt']);
  // The poller's own login, and that of the signalling user.
  const logins = cloud.requests.slice(requests).filter(({ service }) => service === 'keystone');
  expect(logins).toHaveLength(2);
});

const rotate = async (signalTransport: 'HEAT_SIGNAL' | 'CFN_SIGNAL' | 'NO_SIGNAL'): Promise<Site> => {
  const site = await createSite(cloud, { server: { signalTransport } });
  await cloud.rotateCa(site.cluster);
  expect(await site.pass()).toMatchObject({ open: [], settled: [{ outcome: { statusCode: 0 } }] });
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  expect(await site.ledger()).toMatchObject([{ state: 'signalled' }]);
  return site;
};

describe('signals by', () => {
  test("HEAT_SIGNAL to the resource's own address in Heat", async () => {
    const [signal] = (await rotate('HEAT_SIGNAL')).signals();
    expect(signal?.path).toMatch(/^\/v1\/[^/]+\/stacks\/.+\/resources\/worker-0-rotate\/signal$/);
  });

  test('CFN_SIGNAL to the pre-signed address', async () => {
    const [signal] = (await rotate('CFN_SIGNAL')).signals();
    expect(signal?.path).toMatch(/^\/v1\/signal\/arn/);
    expect(signal?.body).toMatchObject({ deploy_status_code: 0 });
  });

  test('NO_SIGNAL with no request', async () => {
    expect((await rotate('NO_SIGNAL')).signals()).toEqual([]);
  });
});
