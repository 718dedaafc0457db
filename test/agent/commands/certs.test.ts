import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cloudForFile } from '../../cloud/for-file.ts';
import { at, parseObject } from '../../cloud/exchange.ts';
import { askUnits } from '../../crash/socket-systemctl.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';

const cloud = await cloudForFile();

const CERTS = '/etc/kubernetes/certs';

const EXPIRED = [{ code: 'expired' }];

/** The faults that `agent certs` finds, by file; files without faults are omitted. */
async function faultsOf(site: Site): Promise<Record<string, unknown>> {
  const { code, stdout } = await cli(site, ['certs', '--json']);
  const list: unknown = at(parseObject(stdout), 'certificates');
  const faulty: Record<string, unknown> = {};
  for (const one of Array.isArray(list) ? (list as unknown[]) : []) {
    const faults = at(one, 'faults');
    if (Array.isArray(faults) && faults.length > 0) faulty[String(at(one, 'file'))] = faults;
  }
  expect(code).toBe(Object.keys(faulty).length > 0 ? 1 : 0);
  return faulty;
}

async function listOf(site: Site, name: string): Promise<unknown[]> {
  const list: unknown = at(parseObject((await cli(site, ['certs', '--json'])).stdout), name);
  return Array.isArray(list) ? (list as unknown[]) : [];
}

const foreignKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });

test("finds no faults in a valid set, and shows each certificate's subject and expiry", async () => {
  const site = await createSite(cloud, { role: 'master' });
  expect(await faultsOf(site)).toEqual({});
  const { stdout } = await cli(site, ['certs']);
  expect(stdout).toContain('layout kubernetes-certs (configured), master');
  expect(stdout).toMatch(
    /\/etc\/etcd\/certs\/server\.crt +CN=etcd +10\.0\.0\.5 172\.24\.4\.10 \+\d+ +\/etc\/etcd\/certs\/ca\.crt +[0-9a-f]{2,40} +[0-9a-f]{16} +clientAuth serverAuth +ec-p256 +20\d\d-\d\d-\d\d \d\d:\d\dZ +\d+ +by etcd +good/,
  );
  expect(stdout.split('\n').filter((line) => line.includes('good'))).toHaveLength(11);
});

test('finds missing and mismatched files, and certificates of another CA', async () => {
  const site = await createSite(cloud);
  const other = await createSite(cloud);
  await rm(join(site.node.root, `${CERTS}/proxy.crt`));
  await site.node.write(`${CERTS}/kubelet.key`, foreignKey());
  await site.node.write(`${CERTS}/ca.crt`, await other.node.read(`${CERTS}/ca.crt`));
  expect(await faultsOf(site)).toEqual({
    [`${CERTS}/proxy.crt`]: [{ code: 'missing' }],
    [`${CERTS}/kubelet.crt`]: [
      { code: 'wrong-issuer' },
      { code: 'key-mismatch', path: `${CERTS}/kubelet.key` },
    ],
  });
});

test('reports two CAs in one file, junk, a leaf as a CA and an unreadable key as faults', async () => {
  const site = await createSite(cloud);
  const ca = await site.node.read(`${CERTS}/ca.crt`);
  await site.node.write(`${CERTS}/ca.crt`, ca + ca);
  await site.node.write(`${CERTS}/proxy.crt`, 'junk');
  await site.node.write(`${CERTS}/kubelet.key`, 'junk');
  expect(await faultsOf(site)).toEqual({
    [`${CERTS}/ca.crt`]: [{ code: 'repeated' }],
    [`${CERTS}/proxy.crt`]: [{ code: 'unreadable', why: expect.stringContaining('proxy.crt') as unknown }],
    [`${CERTS}/kubelet.crt`]: [{ code: 'key-unreadable', path: `${CERTS}/kubelet.key` }],
  });
  await site.node.write(`${CERTS}/proxy.crt`, '');
  expect(at(await faultsOf(site), `${CERTS}/proxy.crt`)).toMatchObject([{ code: 'unreadable' }]);
  await site.node.write(`${CERTS}/ca.crt`, await site.node.read(`${CERTS}/kubelet.crt`));
  expect(await faultsOf(site)).toMatchObject({ [`${CERTS}/ca.crt`]: [{ code: 'not-a-ca' }] });
});

test('reports a kubeconfig with another certificate than the file', async () => {
  const site = await createSite(cloud, { role: 'master', layout: 'kubernetes-pki' });
  const other = await createSite(cloud, { role: 'master', layout: 'kubernetes-pki' });
  await site.node.write('/etc/kubernetes/admin.conf', await other.node.read('/etc/kubernetes/admin.conf'));
  expect(await faultsOf(site)).toEqual({
    '/etc/kubernetes/admin.conf': [
      { code: 'differs', path: '/etc/kubernetes/pki/server.crt' },
      { code: 'differs', path: '/etc/kubernetes/pki/ca.crt' },
    ],
  });
});

test('describes each certificate: names, issuer by key, serial, days left, and the units that present it', async () => {
  const site = await createSite(cloud, { role: 'master' });
  site.node.units.breakUnit('kubelet', 'keeps the old certificate');
  await cli(site, ['make-cert', '--force']);
  await askUnits(join(site.node.root, 'run/units.sock'), 'restart', 'etcd');
  const read = async (path: string): Promise<X509Certificate> =>
    new X509Certificate(await site.node.read(path));
  const told = await listOf(site, 'certificates');
  const find = (file: string): unknown => told.find((one) => at(one, 'file') === file);
  const etcd = await read('/etc/etcd/certs/server.crt');
  expect(find('/etc/etcd/certs/server.crt')).toMatchObject({
    subject: 'CN=etcd',
    names: etcd.subjectAltName?.split(', '),
    issuer: '/etc/etcd/certs/ca.crt',
    serial: etcd.serialNumber.toLowerCase(),
    fingerprint: etcd.fingerprint256.replaceAll(':', '').toLowerCase(),
    daysLeft: Math.floor((etcd.validToDate.getTime() - site.clock.now()) / 86_400_000),
    expiry: 'good',
    keyType: 'ec-p256',
    served: { unit: 'etcd', presents: true },
  });
  expect(find('/etc/etcd/certs/ca.crt')).toMatchObject({ issuer: 'itself' });
  expect(find('/etc/etcd/certs/ca.crt')).not.toHaveProperty('served');
  // As the predecessor's make-cert requests it.
  expect(find(`${CERTS}/kubelet.crt`)).toMatchObject({
    usages: expect.arrayContaining([
      'digitalSignature',
      'keyEncipherment',
      'clientAuth',
      'serverAuth',
    ]) as unknown,
    served: { unit: 'kubelet', presents: false },
  });
  expect((await cli(site, ['certs'])).code).toBe(1);
  // A port on which nothing listens.
  await site.node.configure({ services: { units: { kubelet: { port: 1 } } } });
  const again = await listOf(site, 'certificates');
  const served = at(
    again.find((one) => at(one, 'file') === `${CERTS}/kubelet.crt`),
    'served',
  );
  expect(served).toMatchObject({ unit: 'kubelet', where: '127.0.0.1:1', presents: null, code: 'not-yet' });
});

test('describes kubeconfigs and copies: each entry, whether its key fits, and unreadable ones', async () => {
  const site = await createSite(cloud, { role: 'master', layout: 'kubernetes-pki' });
  const old = await site.node.read('/etc/kubernetes/admin.conf');
  await site.node.write('/etc/kubernetes/pki/copy.pem', await site.node.read('/etc/kubernetes/pki/ca.crt'));
  await site.node.write(
    '/etc/kubernetes/mixed.yaml',
    old.replace(/client-key-data: .*/, 'client-key: pki/foreign.key'),
  );
  await site.node.write('/etc/kubernetes/pki/foreign.key', foreignKey());
  await site.node.write('/etc/kubernetes/broken.conf', 'clusters: [\n client-certificate: x\n');
  const copies = await listOf(site, 'copies');
  const user = 'user admin';
  const [cluster] = copies
    .map((one) => String(at(one, 'entry')))
    .filter((entry) => entry.startsWith('cluster '));
  const seen = copies.map((one) => [
    at(one, 'file'),
    at(one, 'entry'),
    at(one, 'keyFits'),
    at(one, 'issuer'),
  ]);
  const ca = '/etc/kubernetes/pki/ca.crt';
  expect(seen).toContainEqual(['/etc/kubernetes/admin.conf', user, true, ca]);
  expect(seen).toContainEqual(['/etc/kubernetes/admin.conf', cluster, null, 'itself']);
  expect(seen).toContainEqual(['/etc/kubernetes/mixed.yaml', user, false, ca]);
  expect(seen).toContainEqual(['/etc/kubernetes/pki/copy.pem', null, null, 'itself']);
  const { stdout } = await cli(site, ['certs']);
  expect(stdout).toMatch(/\/etc\/kubernetes\/mixed\.yaml, user admin .* does not fit/);
  expect(stdout).toMatch(/! \/etc\/kubernetes\/broken\.conf: line 3, column 1: /);
});

test.each([
  [31, 'good', 0],
  [29, 'warning', 0],
  [6, 'urgent', 0],
  [-1, 'expired', 1],
] as const)('judges a certificate that expires in %i days as %s', async (days, expiry, code) => {
  const site = await createSite(cloud, { validity: { validityDays: 3650, leafDays: 365 } });
  const { validToDate } = new X509Certificate(await site.node.read(`${CERTS}/kubelet.crt`));
  site.clock.jump(validToDate.getTime() - site.clock.now() - days * 86_400_000 - 3_600_000);
  const told = (await listOf(site, 'certificates')).find((one) => at(one, 'file') === `${CERTS}/kubelet.crt`);
  expect(told).toMatchObject({ expiry, daysLeft: days });
  expect((await cli(site, ['certs'])).code).toBe(code);
});

test('names certificates that have expired or are not valid yet', async () => {
  const site = await createSite(cloud);
  site.clock.jump(6 * 365 * 86_400_000);
  expect(Object.values(await faultsOf(site))).toEqual([EXPIRED, EXPIRED, EXPIRED]);
  site.clock.jump(-12 * 365 * 86_400_000);
  expect(await faultsOf(site)).toMatchObject({ [`${CERTS}/kubelet.crt`]: [{ code: 'not-yet-valid' }] });
});
