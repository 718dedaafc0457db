import { rm } from 'node:fs/promises';
import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Fault } from '../../../agent/inspection/fault.ts';
import { takeInventory } from '../../../agent/inspection/inventory.ts';
import { fingerprint } from '../../../src/certificates/read.ts';
import { createCa } from '../../src/support/openssl.ts';
import { kubeconfigOf, SMALL, type SmallNode, writeSmallNode } from '../../src/support/small-layout.ts';
import { type TempRoot, tempRoot } from '../../src/support/temp-root.ts';
import { leafOf } from '../../src/support/tls-server.ts';

const DAY = 86_400_000;

test('describes every file, and reads each certificate once', async () => {
  const root = await tempRoot();
  const { ca, server } = await writeSmallNode(root);
  const reads: string[] = [];
  const disk = {
    ...root.disk,
    read: async (path: string) => {
      reads.push(path);
      return await root.disk.read(path);
    },
  };
  const holdings = await takeInventory(disk, SMALL, Date.now());
  const [authority, leaf] = [new X509Certificate(ca.pem), new X509Certificate(server.certificate)];
  expect(holdings).toMatchObject([
    { file: '/etc/k/ca.crt', kind: 'CA', fingerprint: fingerprint(authority), faults: [] },
    {
      file: '/etc/k/server.crt',
      kind: 'certificate',
      notAfter: leaf.validToDate.toISOString(),
      faults: [],
    },
    { file: '/etc/k/admin.conf', kind: 'kubeconfig', fingerprint: undefined, faults: [] },
  ]);
  expect(holdings.map(({ certificates }) => certificates.map(fingerprint))).toEqual([
    [fingerprint(authority)],
    [fingerprint(leaf)],
    [],
  ]);
  expect(reads.filter((path) => path === '/etc/k/server.crt')).toHaveLength(1);
});

type Damage = (root: TempRoot, node: SmallNode) => Promise<unknown>;

test.each<[Fault['code'], string, Damage]>([
  ['missing', 'ca.crt', async ({ at }) => await rm(at('/etc/k/ca.crt'))],
  ['missing', 'server.crt', async ({ at }) => await rm(at('/etc/k/server.crt'))],
  ['missing', 'admin.conf', async ({ at }) => await rm(at('/etc/k/admin.conf'))],
  [
    'not-a-ca',
    'ca.crt',
    async ({ write }, { ca, server }) => await write('/etc/k/ca.crt', ca.pem + server.certificate),
  ],
  ['repeated', 'ca.crt', async ({ write }, { ca }) => await write('/etc/k/ca.crt', ca.pem + ca.pem)],
  ['unreadable', 'ca.crt', async ({ write }) => await write('/etc/k/ca.crt', 'no PEM')],
  [
    'unreadable',
    'server.crt',
    async ({ write }, { server, admin }) =>
      await write('/etc/k/server.crt', server.certificate + admin.certificate),
  ],
  ['key-missing', 'server.crt', async ({ at }) => await rm(at('/etc/k/server.key'))],
  ['key-mismatch', 'server.crt', async ({ write }, { admin }) => await write('/etc/k/server.key', admin.key)],
  ['key-unreadable', 'server.crt', async ({ write }) => await write('/etc/k/server.key', 'no key')],
  [
    'differs',
    'admin.conf',
    async ({ write }, { ca, admin }) =>
      await write('/etc/k/admin.conf', kubeconfigOf((await createCa()).pem + ca.pem, admin)),
  ],
  [
    'no-pair',
    'admin.conf',
    async ({ write, read }) =>
      await write('/etc/k/admin.conf', (await read('/etc/k/admin.conf')).replace('client-key', 'other')),
  ],
  [
    'own-key-mismatch',
    'admin.conf',
    async ({ write }, { ca, server, admin }) =>
      await write('/etc/k/admin.conf', kubeconfigOf(ca.pem, { ...admin, key: server.key })),
  ],
  [
    'own-key-unreadable',
    'admin.conf',
    async ({ write }, { ca, admin }) =>
      await write('/etc/k/admin.conf', kubeconfigOf(ca.pem, { ...admin, key: 'no key' })),
  ],
  [
    'wrong-issuer',
    'admin.conf',
    async ({ write }, { ca }) =>
      await write('/etc/k/admin.conf', kubeconfigOf(ca.pem, await leafOf(await createCa()))),
  ],
  ['unreadable', 'admin.conf', async ({ write }) => await write('/etc/k/admin.conf', 'users: [')],
])('finds only %s in %s', async (code, name, damage) => {
  const root = await tempRoot();
  await damage(root, await writeSmallNode(root));
  const found = (await takeInventory(root.disk, SMALL, Date.now())).flatMap(({ file, faults }) =>
    faults.map((fault) => [file, fault.code]),
  );
  // The kubeconfig embeds the CA file too.
  const follows = name === 'ca.crt' && code !== 'missing' ? [['/etc/k/admin.conf', 'differs']] : [];
  expect(found).toEqual([[`/etc/k/${name}`, code], ...follows]);
});

test('recognizes an issuer by its key: every CA of a cluster has the same name', async () => {
  const root = await tempRoot();
  await writeSmallNode(root);
  await root.write('/etc/k/server.crt', (await leafOf(await createCa())).certificate);
  const holdings = await takeInventory(root.disk, SMALL, Date.now());
  expect(holdings[1]?.faults).toEqual([
    { code: 'wrong-issuer' },
    { code: 'key-mismatch', path: '/etc/k/server.key' },
  ]);
});

test.each([
  [-2 * DAY, 'not-yet-valid'],
  [10_000 * DAY, 'expired'],
])('compares dates with the time of the inspection (%i ms later): %s', async (ms, code) => {
  const root = await tempRoot();
  await writeSmallNode(root);
  for (const { faults } of await takeInventory(root.disk, SMALL, Date.now() + ms))
    expect(faults).toEqual([{ code }]);
});

test("does not derive trust from a reader's CA file with only one certificate", async () => {
  const root = await tempRoot();
  const { ca } = await writeSmallNode(root);
  const layout = { ...SMALL, authorities: SMALL.authorities.map((row) => ({ ...row, single: true })) };
  const another = await createCa();
  await root.write('/etc/k/ca.crt', another.pem);
  expect((await takeInventory(root.disk, layout, Date.now()))[1]?.faults).toEqual([]);
  await root.write('/etc/k/ca.crt', another.pem + ca.pem);
  expect((await takeInventory(root.disk, layout, Date.now()))[0]).toMatchObject({
    certificates: [],
    faults: [{ code: 'unreadable' }],
  });
});

test('accepts a missing optional kubeconfig', async () => {
  const root = await tempRoot();
  await writeSmallNode(root);
  await rm(root.at('/etc/k/admin.conf'));
  const layout = { ...SMALL, kubeconfigs: SMALL.kubeconfigs.map((row) => ({ ...row, create: false })) };
  expect(await takeInventory(root.disk, layout, Date.now())).toHaveLength(2);
});
