import { X509Certificate } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { at, parseObject } from '../cloud/exchange.ts';
import { auditOf } from '../scenarios/support/audit.ts';
import { cli } from '../scenarios/support/cli.ts';
import { logged } from '../scenarios/support/logged.ts';
import { createSite, type Site } from '../scenarios/support/site.ts';

const cloud = await cloudForFile();

const PATH = '/var/log/coe-agent/audit.jsonl';

/** Returns the certificates in a file of the node as OpenSSL reads them. */
async function marksOf(site: Site, path: string): Promise<unknown[]> {
  const pems = (await site.node.read(path)).match(/-----BEGIN CERT[^]*?-----END CERTIFICATE-----/g) ?? [];
  return pems.map((pem) => {
    const certificate = new X509Certificate(pem);
    return {
      fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
      serial: certificate.serialNumber.toLowerCase(),
    };
  });
}

test('records a rotation with its cause, every file, and its certificates before and after', async () => {
  const site = await createSite(cloud, { role: 'master' });
  const paths = (await site.files()).keys().toArray();
  const certificates = paths.filter((path) => path.endsWith('.crt'));
  const before = new Map(
    await Promise.all(certificates.map(async (path) => [path, await marksOf(site, path)] as const)),
  );
  await cloud.rotateCa(site.cluster);
  expect((await cli(site, ['run-once'])).code).toBe(0);

  const records = await auditOf(site.node);
  const [id = ''] = (await site.ledger()).map((entry) => entry.id);
  expect(records.filter(({ run }) => run === id).map(({ event }) => event)).toEqual(['begun', 'ended']);
  const ended = records.find(({ run, event }) => run === id && event === 'ended');
  expect(ended).toMatchObject({
    asked_by: 'deployment',
    deployment: { id, group: 'coe-rotate', action: 'UPDATE' },
    by: { verb: 'run-once', pid: process.pid },
    outcome: 'succeeded',
  });
  const changes = new Map(
    (Array.isArray(ended?.['changes']) ? ended['changes'] : []).map((change: unknown) => [
      String(at(change, 'path')),
      change,
    ]),
  );
  for (const path of certificates)
    expect(changes.get(path)).toEqual({
      path,
      before: before.get(path),
      after: await marksOf(site, path),
    });
  // Of keys, only the path is recorded.
  expect(changes.get('/etc/kubernetes/certs/server.key')).toMatchObject({ before: [], after: [] });
  expect((await stat(join(site.node.root, PATH))).mode & 0o777).toBe(0o600);
  expect(await site.node.read(PATH)).not.toContain('PRIVATE');
});

test('records certificates embedded in kubeconfigs', async () => {
  const site = await createSite(cloud, { role: 'master', layout: 'kubernetes-pki' });
  await cloud.rotateCa(site.cluster);
  await site.pass();
  const ended = (await auditOf(site.node)).findLast(({ event }) => event === 'ended');
  expect(ended?.['changes']).toContainEqual(
    expect.objectContaining({
      path: '/etc/kubernetes/admin.conf',
      after: expect.arrayContaining(await marksOf(site, '/etc/kubernetes/pki/ca.crt')) as unknown,
    }),
  );
});

test('records a rolled-back run as unchanged, with the reason', async () => {
  const site = await createSite(cloud);
  await cloud.rotateCa(site.cluster);
  site.node.units.breakUnit('kubelet', 'fails to start');
  await site.pass();
  const ended = (await auditOf(site.node)).findLast(({ event }) => event === 'ended');
  expect(ended).toMatchObject({
    outcome: 'failed',
    changes: [],
    why: expect.stringContaining('kubelet') as unknown,
  });
});

test('records a verb with its begin, its files and its end', async () => {
  const site = await createSite(cloud);
  expect((await cli(site, ['make-cert', '--force'])).code).toBe(0);
  const [begun, changed, ended] = (await auditOf(site.node)).slice(-3);
  expect(begun).toMatchObject({
    event: 'begun',
    run: 'make-cert',
    asked_by: 'verb',
    by: { verb: 'make-cert', pid: process.pid },
  });
  expect(changed).toMatchObject({ event: 'changed', run: 'make-cert', outcome: 'succeeded' });
  expect(ended).toMatchObject({ event: 'ended', run: 'make-cert', outcome: 'succeeded' });
  // A rejected verb is recorded with its end too.
  await site.setParams({ TRUSTEE_PASSWORD: undefined });
  expect((await cli(site, ['make-cert', '--force'])).code).toBe(2);
  expect((await auditOf(site.node)).at(-1)).toMatchObject({ event: 'ended', outcome: 'failed' });
});

test("records a person's client certificate with its serial number", async () => {
  const site = await createSite(cloud, { role: 'master' });
  const directory = join(site.node.root, 'person');
  const { code, stdout } = await cli(site, [
    'cluster-config',
    '--user',
    'alice',
    '--dir',
    directory,
    '--json',
  ]);
  expect(code).toBe(0);
  const serial = String(at(parseObject(stdout), 'serial')).toLowerCase();
  expect((await auditOf(site.node)).at(-1)).toMatchObject({
    event: 'issued',
    run: 'cluster-config',
    changes: [{ path: directory, before: null, after: [{ serial, subject: 'CN=alice' }] }],
  });
});

test('logs an audit that cannot be written, and completes the rotation', async () => {
  const site = await createSite(cloud);
  const full: Parameters<typeof cli>[2] = {
    disk: (real) => ({
      ...real,
      append: async () => await Promise.reject(new Error('ENOSPC')),
    }),
  };
  await cloud.rotateCa(site.cluster);
  const { code, stderr } = await cli(site, ['run-once'], full);
  expect(code).toBe(0);
  expect(logged(stderr, 'audit-unwritten').length).toBeGreaterThan(0);
});
