import { createHash, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { changesOf, markOf } from '../../../agent/audit/changes.ts';
import type { Disk } from '../../../src/base/disk.ts';
import { AgentError } from '../../../src/base/errors.ts';
import type { Journal } from '../../../src/files/journal.ts';
import { createClusterCa } from '../../cluster/authority.ts';
import { kubeconfigOf } from '../../src/support/small-layout.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

const ca = createClusterCa('k1');
const [first, second] = [ca.issue([['CN', 'a']]), ca.issue([['CN', 'b']])];
/** As `sha256sum` of the DER, and the serial as `openssl x509 -serial` prints it, in lower case. */
const held = (pem: string) => {
  const { raw, serialNumber } = new X509Certificate(pem);
  return { fingerprint: createHash('sha256').update(raw).digest('hex'), serial: serialNumber.toLowerCase() };
};

type Files = Record<string, { before?: string; after?: string }>;

/** Lists the changes of a generation that replaced these files. */
async function changes(files: Files, wrap: (disk: Disk) => Disk = (disk) => disk) {
  const { disk, write } = await tempRoot();
  const journal: Journal = { version: 1, runId: 'r', state: 'committed', files: [], run: {} };
  for (const [target, { before, after }] of Object.entries(files)) {
    const copy = `/saved${target}`;
    if (before !== undefined) await write(copy, before);
    if (after !== undefined) await write(target, after);
    const attributes = { mode: 0o600, uid: 0, gid: 0 };
    journal.files.push({
      target,
      staged: `${target}.new`,
      previous: before === undefined ? null : { copy, attributes },
    });
  }
  return await changesOf(journal, { disk: wrap(disk) });
}

test('names the certificates of a replaced file, before and after', async () => {
  expect(await changes({ '/a.crt': { before: first.cert, after: second.cert } })).toEqual([
    { path: '/a.crt', before: [held(first.cert)], after: [held(second.cert)] },
  ]);
});

test('names every certificate of a bundle', async () => {
  const [change] = await changes({ '/ca.crt': { before: ca.pem, after: ca.pem + first.cert } });
  expect(change?.after).toEqual([held(ca.pem), held(first.cert)]);
});

test('leaves out a file with its former content, as after a rollback', async () => {
  expect(await changes({ '/a.crt': { before: first.cert, after: first.cert } })).toEqual([]);
});

test.each([
  ['a new file', { after: first.cert }, { before: null, after: [held(first.cert)] }],
  ['a removed file', { before: first.cert }, { before: [held(first.cert)], after: null }],
])('shows %s', async (_, file, expected) => {
  expect(await changes({ '/a.crt': file })).toMatchObject([expected]);
});

test('records nothing of a key, not even a hash', async () => {
  const [change] = await changes({ '/a.key': { before: first.key, after: second.key } });
  expect(change).toEqual({ path: '/a.key', before: [], after: [] });
});

test('reads the certificates in a kubeconfig', async () => {
  const of = ({ cert: certificate, key }: typeof first) => kubeconfigOf(ca.pem, { certificate, key });
  const [change] = await changes({ '/admin.conf': { before: of(first), after: of(second) } });
  expect(change).toMatchObject({
    before: [held(ca.pem), held(first.cert)],
    after: [held(ca.pem), held(second.cert)],
  });
});

test.each([
  ['/a.crt', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
  ['/admin.conf', 'users: [\nclient-certificate-data: x'],
])('a damaged %s held no certificate that it could name', async (path, before) => {
  expect(await changes({ [path]: { before, after: first.cert } })).toMatchObject([
    { before: [], after: [held(first.cert)] },
  ]);
});

const failing = (disk: Disk): Disk => ({
  ...disk,
  read: async (path) => {
    if (path === '/a') throw new AgentError('disk', 'EIO');
    return await disk.read(path);
  },
});

test('records the other files if one cannot be read', async () => {
  const files = { '/a': { before: 'x', after: first.cert }, '/b': { after: second.cert } };
  expect(await changes(files, failing)).toEqual([
    { path: '/a', before: [], after: null },
    { path: '/b', before: null, after: [held(second.cert)] },
  ]);
});

test('marks a certificate as openssl and sha256sum do', () => {
  expect(markOf(new X509Certificate(first.cert))).toEqual(held(first.cert));
});
