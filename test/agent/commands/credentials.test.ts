import { expect, test } from 'vitest';
import { FORMER } from '../../../agent/credentials/former.ts';
import { cloudForFile } from '../../cloud/for-file.ts';
import { parseObject } from '../../cloud/exchange.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { objectsOf, objectsWith } from '../../scenarios/support/cluster-login.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';
import {
  anotherTrustee,
  askCredentials,
  changeLogin,
  stockNode,
} from '../../scenarios/support/stock-node.ts';
import { CLOUD_CONFIGS, HEAT_PARAMS } from '../../scenarios/support/trustee.ts';
import { nodeFiles } from '../../scenarios/support/untouched.ts';

const cloud = await cloudForFile();

const NO_FORMER = { error: { code: 'precondition', reason: 'no-former' } };
const hasFormer = async (site: Site): Promise<boolean> =>
  (await site.files('/var/lib/coe-agent')).has(FORMER);

/** Changes the login to the one of standard input, and returns the answer. */
const from = async (site: Site, input: string, ...options: readonly string[]) =>
  parseObject((await cli(site, ['credentials', '--from', '-', '--json', ...options], {}, input)).stdout);

test.each([[[]], [['--where', '--back']], [['--from', '-', '--forget']]])(
  'exactly one way is accepted, not %j',
  async (options) => {
    const site = await createSite(cloud, { bare: true });
    expect(await cli(site, ['credentials', ...options])).toMatchObject({ code: 2 });
    expect(await askCredentials(site, ...options)).toMatchObject({ error: { code: 'usage' } });
  },
);

test('--dry-run lists the steps with the changed files, and changes nothing', async () => {
  const { site, old } = await stockNode(cloud, 'worker');
  const before = await nodeFiles(site);
  const fresh = anotherTrustee(cloud);
  const told = await from(site, JSON.stringify(fresh), '--dry-run');
  expect(told).toMatchObject({ changed: false, files: [] });
  expect(told).not.toHaveProperty('reason');
  const steps = JSON.stringify(told?.['steps']);
  for (const path of [HEAT_PARAMS, ...Object.keys(CLOUD_CONFIGS)]) expect(steps).toContain(path);
  expect(steps).toContain(fresh.trust_id);
  expect(steps).not.toContain(fresh.trustee_password);
  expect(steps).not.toContain(old.trustee_password);
  expect(await nodeFiles(site)).toEqual(before);
  expect(site.restarts()).toEqual([]);
});

test.each([[[]], [['--dry-run']]])(
  'changes nothing if the node has these credentials: %j',
  async (options) => {
    const { site, old } = await stockNode(cloud, 'worker');
    const told = await from(site, JSON.stringify(old), ...options);
    expect(told).toMatchObject({ changed: false, reason: 'has-credentials', files: [] });
    expect(site.restarts()).toEqual([]);
  },
);

test.each([
  ['{"trustee_password": "geheim\\n1"}', { code: 'usage', reason: 'input-control-character' }],
  ['{}', { code: 'usage', reason: 'nothing-given' }],
])('rejects %s as an input', async (input, error) => {
  const site = await createSite(cloud, { bare: true });
  expect(await from(site, input)).toMatchObject({ error });
});

test('--back puts the former login back into files and objects, and forward again', async () => {
  const { site, api, old } = await stockNode(cloud, 'master');
  const before = await nodeFiles(site);
  const fresh = anotherTrustee(cloud);
  await changeLogin(site, fresh);
  const dry = await cli(site, ['credentials', '--back', '--dry-run']);
  expect(dry.stdout).toContain(old.trust_id);
  expect(await cli(site, ['credentials', '--back'])).toMatchObject({ code: 0, stderr: '' });
  expect(await nodeFiles(site)).toEqual(before);
  expect(objectsOf(api)).toEqual(objectsWith(old, cloud.authUrl));
  expect(await cli(site, ['credentials', '--back'])).toMatchObject({ code: 0 });
  expect(objectsOf(api)).toEqual(objectsWith(fresh, cloud.authUrl));
});

test('--back changes nothing if the former trust is gone', async () => {
  const { site } = await stockNode(cloud, 'worker');
  await changeLogin(site, anotherTrustee(cloud));
  const before = await nodeFiles(site);
  cloud.deleteTrust(site.cluster);
  expect(await askCredentials(site, '--back')).toMatchObject({ error: { code: 'login-refused' } });
  expect(await nodeFiles(site)).toEqual(before);
});

test('--back is not possible before a change, nor once the former login is dropped', async () => {
  const { site } = await stockNode(cloud, 'worker');
  expect(await askCredentials(site, '--back')).toMatchObject(NO_FORMER);
  await changeLogin(site, anotherTrustee(cloud));
  expect(await hasFormer(site)).toBe(true);
  expect(await askCredentials(site, '--forget')).toMatchObject({ changed: true });
  expect(await hasFormer(site)).toBe(false);
  expect(await askCredentials(site, '--back')).toMatchObject(NO_FORMER);
  expect(await askCredentials(site, '--forget')).toMatchObject({ changed: false, reason: 'no-former' });
});

test('--forget keeps the former login while objects may hold it', async () => {
  const { site, api, old } = await stockNode(cloud, 'master', {
    config: { workloads: { per_second: 100, deadline_seconds: 2 } },
  });
  api.instead = ({ path }) => (path.includes('/secrets') ? { status: 503, text: 'away' } : undefined);
  await changeLogin(site, anotherTrustee(cloud));
  expect(await askCredentials(site, '--forget')).toMatchObject({
    error: { code: 'precondition', reason: 'objects-pending' },
  });
  api.instead = () => undefined;
  expect(await cli(site, ['credentials', '--back'])).toMatchObject({ code: 0 });
  expect(objectsOf(api)).toEqual(objectsWith(old, cloud.authUrl));
  expect(await cli(site, ['credentials', '--forget'])).toMatchObject({ code: 0 });
});
