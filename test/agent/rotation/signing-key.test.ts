import { expect, test } from 'vitest';
import { signerFiles, signingKeyBeside, signingKeysOutlived } from '../../../agent/rotation/signing-key.ts';
import { oneCertificate } from '../../../src/certificates/read.ts';
import { fileAt } from '../../src/support/small-layout.ts';
import { tempRoot } from '../../src/support/temp-root.ts';
import { testHands } from '../support/hands.ts';
import { caOf, type Generation, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const [CA, KEY] = ['/etc/kubernetes/certs/ca.crt', '/etc/kubernetes/certs/ca.key'];
const OWN = '/etc/kubernetes/certs/signing-ca.crt';
const ARGUMENTS = '/etc/kubernetes/controller-manager';
/** As Magnum writes it with the label cert_manager_api. */
const signsWith = (certificate: string): string =>
  `KUBE_CONTROLLER_MANAGER_ARGS="--leader-elect=true --cluster-signing-cert-file=${certificate} --cluster-signing-key-file=${KEY}"\n`;

const [former, served] = [newGeneration(), newGeneration()];
const [FORMER, SERVED] = [former, served].map((one) => caOf(one, 'kubernetes'));
const node = nodeOf('master');

test.each([
  ['/etc/k/ca.crt', '/etc/k/ca.key'],
  ['/etc/k/ca.pem', '/etc/k/ca-key.pem'],
])('finds the key beside %s in %s', async (path, keyPath) => {
  const { disk, write } = await tempRoot();
  await write(path, FORMER?.pem ?? '');
  await write(keyPath, FORMER?.key ?? '');
  const key = await signingKeyBeside({ ca: 'kubernetes', file: fileAt(path) }, disk);
  expect(key?.path).toBe(keyPath);
  expect(key?.isOf(oneCertificate(FORMER?.pem ?? '', path))).toBe(true);
  expect(key?.isOf(oneCertificate(SERVED?.pem ?? '', path))).toBe(false);
});

test.each([
  ['none', {}],
  ['an unreadable key', { '/etc/k/ca.key': 'junk' }],
  ['a key with another name', { '/etc/k/server.key': FORMER?.key ?? '' }],
])('finds no key beside a CA: %s', async (_, files: Record<string, string>) => {
  const { disk, write } = await tempRoot();
  await write('/etc/k/ca.crt', FORMER?.pem ?? '');
  for (const [path, text] of Object.entries(files)) await write(path, text);
  expect(await signingKeyBeside({ ca: 'kubernetes', file: fileAt('/etc/k/ca.crt') }, disk)).toBeUndefined();
});

/** Makes a master whose kube-controller-manager signs with the CA of its trust bundle. */
async function signer(args: string | undefined, trusted: readonly Generation[] = [former]) {
  const temp = await tempRoot();
  await writeCertificates(node, temp, former, trusted);
  await temp.write(KEY, FORMER?.key ?? '');
  if (args !== undefined) await temp.write(ARGUMENTS, args);
  return temp;
}

test("gives kube-controller-manager a file of its own with its key's CA only", async () => {
  const { disk } = await signer(signsWith(CA), [served, former]);
  const files = await signerFiles(node, disk);
  expect(files.map(({ path, content }) => [path, content.toString().trim()])).toEqual([
    [OWN, FORMER?.pem.trim()],
    [ARGUMENTS, signsWith(OWN).trim()],
  ]);
});

test.each([
  ['it has one', signsWith(OWN), undefined],
  ['it is not configured to sign', 'KUBE_CONTROLLER_MANAGER_ARGS=""\n', undefined],
  ['it has no arguments', undefined, undefined],
  ['its key matches no present CA', signsWith(CA), SERVED?.key],
])('gives it none if %s', async (_, args, key) => {
  const { disk, write } = await signer(args);
  if (key !== undefined) await write(KEY, key);
  expect(await signerFiles(node, disk)).toEqual([]);
});

test.each([
  ['a key of the former CA', FORMER?.key, 1],
  ['a key of the new CA', SERVED?.key, 0],
  ['no key', undefined, 0],
])('reports an obsolete key: %s', async (_, key, count) => {
  const { hands, write, progress } = await testHands();
  await writeCertificates(node, { write }, former);
  if (key !== undefined) await write(KEY, key);
  const authorities = new Map([['kubelet', SERVED?.pem ?? ''] as const]);
  const said = await signingKeysOutlived(node, { authorities, certificates: new Map() }, hands);
  expect(said).toHaveLength(count);
  expect(progress).toEqual(said.map((text) => ({ event: 'notice', code: 'signing-key-outlived', text })));
});
