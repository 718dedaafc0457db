import { symlink } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { CA_BUNDLE, changeCaBundle } from '../../../agent/credentials/openstack-ca.ts';
import type { CredentialRow } from '../../../src/certificates/layout.ts';
import { createClusterCa } from '../../cluster/authority.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

const PEM = createClusterCa('cloud').pem;
const [FIRST, SECOND] = ['/etc/kubernetes/cloud-config', '/etc/kubernetes/other'];
const ROWS: CredentialRow[] = [
  { file: FIRST, format: 'ini', units: ['kubelet', 'kube-apiserver'] },
  { file: SECOND, format: 'ini', units: ['kubelet', 'registry'] },
];

async function change(files: Record<string, string>) {
  const temp = await tempRoot();
  for (const [path, text] of Object.entries(files)) await temp.write(path, text);
  return { ...temp, found: await changeCaBundle(PEM, ROWS, temp.disk) };
}

test('creates the bundle, readable by pods', async () => {
  const { found } = await change({});
  expect(found).toMatchObject({
    file: { path: CA_BUNDLE, content: PEM, owner: 'root', mode: 0o644 },
    former: undefined,
    units: [],
  });
  expect(found?.file).not.toHaveProperty('madeFrom');
});

test('replaces the bundle that it has read, and keeps the former text', async () => {
  const { found, disk } = await change({ [CA_BUNDLE]: 'former\n' });
  expect(found).toMatchObject({
    former: 'former\n',
    file: { madeFrom: (await disk.snapshot(CA_BUNDLE))?.id },
  });
});

test('changes nothing if the bundle is there', async () => {
  expect((await change({ [CA_BUNDLE]: PEM })).found).toBeUndefined();
});

test('restarts the units whose files name the bundle, each once', async () => {
  const naming = `[Global]\nca-file=${CA_BUNDLE}\n`;
  expect((await change({ [FIRST]: naming, [SECOND]: '[Global]\n' })).found?.units).toEqual([
    'kubelet',
    'kube-apiserver',
  ]);
  expect((await change({ [FIRST]: naming, [SECOND]: naming })).found?.units).toEqual([
    'kubelet',
    'kube-apiserver',
    'registry',
  ]);
});

test('replaces the target of a symlink', async () => {
  const temp = await tempRoot();
  await temp.write('/etc/kubernetes/real.crt', 'former');
  await symlink('real.crt', temp.at(CA_BUNDLE));
  expect((await changeCaBundle(PEM, ROWS, temp.disk))?.file.path).toBe('/etc/kubernetes/real.crt');
});

test('rejects a bundle with a certificate that cannot be read', async () => {
  const { disk } = await tempRoot();
  const bad = `${PEM}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`;
  expect(await faultIn(changeCaBundle(bad, ROWS, disk))).toEqual({
    code: 'bad-deployment',
    reason: 'input-no-certificate',
  });
});
