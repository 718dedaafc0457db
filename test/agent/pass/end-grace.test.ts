import { expect, test } from 'vitest';
import { at, parseObject } from '../../cloud/exchange.ts';
import { auditOf } from '../../scenarios/support/audit.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { cloudForFile } from '../../cloud/for-file.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { runLoop } from '../../scenarios/support/daemon.ts';
import { createSite, type Site, type SiteSpec } from '../../scenarios/support/site.ts';

/** An old service-account key is accepted for a while, and then removed automatically. */

const cloud = await cloudForFile();

const PUBLIC = '/etc/kubernetes/certs/service_account.key';
const PRIVATE = '/etc/kubernetes/certs/service_account_private.key';
const RECORD = '/var/lib/coe-agent/service-account.json';
const HOUR = 3_600_000;
/** The kubelet replaces a pod's token after a day at the latest. */
const GRACE = 25 * HOUR;

const publicKeyOf = (site: Site): string =>
  (site.cluster.stack.parameters['kube_service_account_key'] ?? '').replaceAll(String.raw`\n`, '\n');

/** Makes a master after two rotations, with two pairs of keys. */
async function createRotatedSite(
  spec: SiteSpec = {},
): Promise<{ site: Site; first: string; second: string }> {
  const site = await createSite(cloud, { role: 'master', ...spec });
  await cloud.rotateCa(site.cluster);
  await site.pass();
  const first = publicKeyOf(site);
  await cloud.rotateCa(site.cluster);
  await site.pass();
  return { site, first, second: publicKeyOf(site) };
}

test('removes the old key when its grace ends, and restarts the API server', async () => {
  const { site, first, second } = await createRotatedSite();
  const [privateKey, restarts] = [await site.node.read(PRIVATE), site.restarts().length];
  const seen: string[] = [];
  let requests = 0;
  await runLoop(site, {
    times: 5,
    before: async (wait) => {
      seen.push(await site.node.read(PUBLIC));
      if (wait === 2) site.clock.jump(GRACE);
      // Polls only: removing a key sends no requests to the cloud.
      if (wait > 2) expect(cloud.requests.length - requests).toBeLessThanOrEqual(3);
      requests = cloud.requests.length;
    },
  });
  expect(seen).toEqual([second + first, second + first, second, second, second]);
  expect(site.restarts().slice(restarts)).toEqual(['kube-apiserver']);
  expect(await site.node.read(PRIVATE)).toBe(privateKey);
  expect(logged(site.log, 'grace-ended')).toHaveLength(1);
  const audit = (await auditOf(site.node)).slice(-2);
  expect(audit).toMatchObject([
    { event: 'begun', run: 'end-of-grace', asked_by: 'grace' },
    { event: 'ended', run: 'end-of-grace', outcome: 'succeeded' },
  ]);
  expect(audit[1]?.['changes']).toContainEqual(expect.objectContaining({ path: PUBLIC }));
  const left = (await site.files('/var/lib/coe-agent/generation')).get(
    '/var/lib/coe-agent/generation/journal',
  );
  expect(left).toBeUndefined();
});

test('makes up for a grace that ended while the node was down at its first pass', async () => {
  const { site, second } = await createRotatedSite();
  site.clock.jump(30 * GRACE);
  expect(await site.pass()).toMatchObject({ settled: [], problems: [] });
  expect(await site.node.read(PUBLIC)).toBe(second);
});

test('restores the old key if the API server fails without it, and retries an hour later', async () => {
  const { site, first, second } = await createRotatedSite();
  site.clock.jump(GRACE);
  site.node.units.breakUnit('kube-apiserver', 'is not well');
  const { problems } = await site.pass();
  expect(problems).toMatchObject([{ code: 'unit', reason: 'keys-kept' }]);
  expect((await auditOf(site.node)).slice(-2)).toMatchObject([
    { event: 'begun', run: 'end-of-grace' },
    { event: 'ended', run: 'end-of-grace', outcome: 'failed' },
  ]);
  expect(await site.node.read(PUBLIC)).toBe(second + first);

  site.node.units.mend('kube-apiserver');
  const restarts = site.restarts().length;
  expect(await site.pass()).toMatchObject({ problems: [] });
  expect(site.restarts()).toHaveLength(restarts);
  site.clock.jump(HOUR);
  expect(await site.pass()).toMatchObject({ problems: [] });
  expect(await site.node.read(PUBLIC)).toBe(second);
});

test("uses the operator's grace; with 0 the old key is removed with the rotation", async () => {
  const short = await createRotatedSite({ config: { service_account: { grace_seconds: 60 } } });
  expect(await short.site.node.read(PUBLIC)).toBe(short.second + short.first);
  short.site.clock.jump(60_000);
  await short.site.pass();
  expect(await short.site.node.read(PUBLIC)).toBe(short.second);

  const none = await createRotatedSite({ config: { service_account: { grace_seconds: 0 } } });
  expect(await none.site.node.read(PUBLIC)).toBe(none.second);
  expect(await none.site.node.read(RECORD)).toMatch(/"leaving":\s*\[\]/);
});

test('keeps the keys and their time when a rotation fails', async () => {
  const { site } = await createRotatedSite();
  const [keys, record] = [await site.node.read(PUBLIC), await site.node.read(RECORD)];
  site.clock.jump(HOUR);
  site.node.units.breakUnit('kubelet', 'keeps the old certificate');
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(site.signals().at(-1)?.body).toMatchObject({ deploy_status_code: 1 });
  expect(await site.node.read(PUBLIC)).toBe(keys);
  expect(await site.node.read(RECORD)).toBe(record);
});

test('removes nothing by a damaged record, and writes a good one in the next rotation', async () => {
  const { site, first, second } = await createRotatedSite();
  await site.node.write(RECORD, 'junk');
  site.clock.jump(GRACE);
  expect(await site.pass()).toMatchObject({ problems: [] });
  expect(await site.node.read(PUBLIC)).toBe(second + first);

  await cloud.rotateCa(site.cluster);
  await site.pass();
  const third = publicKeyOf(site);
  expect(await site.node.read(PUBLIC)).toBe(third + second + first);
  site.clock.jump(GRACE);
  await site.pass();
  expect(await site.node.read(PUBLIC)).toBe(third);
});

test('agent status shows until when the old key is accepted', async () => {
  const { site } = await createRotatedSite();
  const { stdout } = await cli(site, ['status', '--json']);
  expect(at(parseObject(stdout), 'rotation', 'notes')).toMatchObject([
    { code: 'old-keys-accepted', until: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as unknown },
  ]);
});

/** Runs a deployment with this grace, and returns the answer to Heat. */
async function retireWithGrace(site: Site, grace: unknown): Promise<Record<string, unknown>> {
  const values = { phase: 'retire', service_account_grace_seconds: grace };
  cloud.deploy(site.cluster, site.server, {
    resource: `retire-${String(grace)}`,
    group: 'coe-rotate',
    inputs: Object.keys(values).map((name) => ({ name, type: 'Json' })),
    values,
  });
  await site.pass();
  return site.signals().at(-1)?.body ?? {};
}

test('removes an old key before its time with the input service_account_grace_seconds', async () => {
  const { site, first, second } = await createRotatedSite();
  expect(await site.node.read(PUBLIC)).toBe(second + first);
  expect(await retireWithGrace(site, '')).toMatchObject({ deploy_status_code: 0 });
  expect(await site.node.read(PUBLIC)).toBe(second + first);
  expect(await retireWithGrace(site, 0)).toMatchObject({ deploy_status_code: 0 });
  expect(await site.node.read(PUBLIC)).toBe(second);
});

test('rejects that input if it is not a number of seconds', async () => {
  const { site } = await createRotatedSite();
  const before = await site.files();
  for (const grace of ['soon', -1, '1.5'])
    expect(await retireWithGrace(site, grace)).toMatchObject({ deploy_status_code: 1 });
  expect(await site.files()).toEqual(before);
});
