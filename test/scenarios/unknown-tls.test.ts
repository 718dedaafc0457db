import { afterAll, beforeAll, expect, test } from 'vitest';
import { logged } from './support/logged.ts';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { nodeFiles } from './support/untouched.ts';
import { cli } from './support/cli.ts';
import { badIn } from './support/doctor.ts';
import { createSite } from './support/site.ts';

/** A normal cloud, and one over TLS whose CA is unknown on the node. */
let cloud: Cloud;
let secret: Cloud;
beforeAll(async () => {
  [cloud, secret] = await Promise.all([startCloud(), startCloud({ tls: true })]);
});
afterAll(async () => {
  await Promise.all([cloud.close(), secret.close()]);
});

const IMPATIENT = { cloud: { deadline_seconds: 5, patience_seconds: 1 } };
const BUNDLE = '/etc/kubernetes/ca-bundle.crt';
const NOT_TRUSTED = /its certificate is .*trusted.* \(set ca_file to the trusted CAs\)/;

test.each([
  ['Keystone', 'AUTH_URL', () => secret.authUrl],
  ['Magnum', 'MAGNUM_URL', () => secret.magnumUrl],
] as const)('sends nothing to a %s with an unknown certificate, and changes nothing', async (_, key, url) => {
  const site = await createSite(cloud, { config: IMPATIENT });
  await site.setParams({ [key]: url() });
  site.cluster.stack.update({ kube_service_account_key: 'changed' });
  const [before, requests] = [await nodeFiles(site), secret.requests.length];
  await site.pass();
  expect(site.signals()).toMatchObject([{ accepted: true, body: { deploy_status_code: 1 } }]);
  expect(site.signals()[0]?.body?.['deploy_stderr']).toMatch(NOT_TRUSTED);
  expect(await nodeFiles(site)).toEqual(before);
  // The trustee's password was not sent.
  expect(secret.requests).toHaveLength(requests);
});

test('holds a signal until the certificate of its address is trusted', async () => {
  const site = await createSite(secret, {
    bare: true,
    server: { signalTransport: 'CFN_SIGNAL' },
    config: { collectors: ['local'], ...IMPATIENT },
  });
  site.cluster.stack.update({ kube_service_account_key: 'changed' });
  const deployments = site.cluster.stack.deploymentsOn(site.server);
  await site.node.write('/var/lib/os-collect-config/local-data/it.json', JSON.stringify({ deployments }));
  await site.pass();
  expect(site.signals()).toEqual([]);
  const [entry] = await site.ledger();
  expect(entry).toMatchObject({ state: 'finished', outcome: { statusCode: 1 } });
  expect(entry?.outcome?.stderr).toMatch(NOT_TRUSTED);

  await site.node.write('/etc/kubernetes/ca-bundle.crt', secret.caPem ?? '');
  await site.pass();
  // The original result is sent, although a new run would end differently.
  expect(site.signals()).toMatchObject([{ accepted: true, body: { deploy_status_code: 1 } }]);
});

test('reports only metadata behind an unknown certificate as a problem', async () => {
  const site = await createSite(secret, { bare: true, config: IMPATIENT });
  site.cluster.stack.update({ kube_service_account_key: 'changed' });
  const { problems, settled } = await site.pass();
  expect(settled).toEqual([]);
  expect(problems.map(({ message }) => message)).toEqual([expect.stringMatching(NOT_TRUSTED)]);

  await site.node.write('/etc/kubernetes/ca-bundle.crt', secret.caPem ?? '');
  expect((await site.pass()).settled).toMatchObject([{ outcome: { statusCode: 0 } }]);
});

test.each([
  ['empty', ''],
  ['only comments', '# the CAs of this cloud\n'],
  ['something else', '-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n'],
])('names a CA bundle that is %s as the cause, and does not wait for it', async (_, bundle) => {
  const site = await createSite(secret, { bare: true, config: { cloud: { patience_seconds: 3600 } } });
  await site.node.write(BUNDLE, bundle);
  const started = site.clock.elapsed();
  const made = await cli(site, ['make-cert', '--json']);
  expect(made).toMatchObject({ code: 2 });
  expect(JSON.parse(made.stdout)).toMatchObject({ error: { code: 'config', reason: 'ca-file-empty' } });
  expect(await badIn(site)).toEqual(
    expect.arrayContaining([
      ['trust', `vi ${BUNDLE}`],
      ['collector', `vi ${BUNDLE}`],
    ]),
  );
  // The node's clock, which a retry would advance.
  expect(site.clock.elapsed() - started).toBeLessThan(60_000);
});

test('VERIFY_CA=False needs no CA bundle', async () => {
  const site = await createSite(secret, { bare: true, params: { VERIFY_CA: 'False' }, config: IMPATIENT });
  await site.node.write('/etc/kubernetes/ca-bundle.crt', '');
  expect((await cli(site, ['make-cert'])).code).toBe(0);
});

test('VERIFY_CA=False is obeyed with a warning', async () => {
  const site = await createSite(secret, { bare: true, params: { VERIFY_CA: 'False' }, config: IMPATIENT });
  site.cluster.stack.update({ kube_service_account_key: 'changed' });
  expect((await site.pass()).settled).toMatchObject([{ outcome: { statusCode: 0 } }]);
  expect(logged(site.log, 'tls-unverified')).toMatchObject([{ level: 'warn' }]);
});
