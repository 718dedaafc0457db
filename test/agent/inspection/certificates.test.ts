import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { authoritiesIn, detailsOf, findCertificates } from '../../../agent/inspection/certificates.ts';
import { takeInventory } from '../../../agent/inspection/inventory.ts';
import { fingerprint } from '../../../src/certificates/read.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { createCa } from '../../src/support/openssl.ts';
import { kubeconfigOf, SMALL, writeSmallNode } from '../../src/support/small-layout.ts';
import { type TempRoot, tempRoot } from '../../src/support/temp-root.ts';

const authoritiesOf = async ({ disk }: TempRoot) =>
  authoritiesIn(await takeInventory(disk, SMALL, Date.now()));

test('names the issuer by its key: the CAs of all generations have one name', async () => {
  const root = await tempRoot();
  const { ca, server } = await writeSmallNode(root);
  const other = await createCa();
  await root.write('/etc/k/ca.crt', other.pem + ca.pem);
  const known = await authoritiesOf(root);
  const issuerOf = (pem: string, authorities = known): string | null =>
    detailsOf(new X509Certificate(pem), authorities, Date.now()).issuer;
  expect(known.map(({ certificate }) => fingerprint(certificate))).toEqual(
    [other.pem, ca.pem].map((pem) => fingerprint(new X509Certificate(pem))),
  );
  expect(issuerOf(server.certificate)).toBe('/etc/k/ca.crt');
  expect(issuerOf(server.certificate, known.slice(0, 1))).toBeNull();
  expect(issuerOf(ca.pem)).toBe('itself');
});

test('counts whole days that are left, negative after expiry', async () => {
  const certificate = new X509Certificate((await createCa('k1', 30)).pem);
  const end = certificate.validToDate.getTime();
  const daysLeft = (at: number): number => detailsOf(certificate, [], at).daysLeft;
  expect(daysLeft(end - 86_400_000)).toBe(1);
  expect(daysLeft(end - 86_399_999)).toBe(0);
  expect(daysLeft(end + 1)).toBe(-1);
});

test('finds the certificates of kubeconfigs and of files beside those of the layout', async () => {
  const root = await tempRoot();
  const { ca, server, admin } = await writeSmallNode(root);
  await root.write('/etc/k/front.pem', server.certificate + server.key);
  await root.write('/etc/k/odd.pem', server.certificate + admin.key);
  await root.write('/etc/k/broken.conf', 'clusters: [\ncertificate-authority: ');
  await root.write('/etc/k/other.conf', kubeconfigOf(ca.pem, { ...admin, key: 'no key' }));
  const { copies, unreadable } = await findCertificates(
    { layout: SMALL },
    { disk: root.disk, clock: systemClock },
    await authoritiesOf(root),
  );
  expect(
    copies
      .map(({ file, entry, keyFits }) => ({ file, entry, keyFits }))
      .toSorted((a, b) => `${a.file}${a.entry ?? ''}`.localeCompare(`${b.file}${b.entry ?? ''}`)),
  ).toEqual([
    { file: '/etc/k/admin.conf', entry: 'cluster k1', keyFits: null },
    { file: '/etc/k/admin.conf', entry: 'user admin', keyFits: true },
    { file: '/etc/k/front.pem', entry: null, keyFits: true },
    { file: '/etc/k/odd.pem', entry: null, keyFits: false },
    { file: '/etc/k/other.conf', entry: 'cluster k1', keyFits: null },
    { file: '/etc/k/other.conf', entry: 'user admin', keyFits: null },
  ]);
  expect(unreadable).toMatchObject([{ file: '/etc/k/broken.conf', code: 'bad-file' }]);
});
