import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { readText } from '../../../src/base/disk.ts';
import { readCurrentCertificates } from '../../../src/files/current-certificates.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { SMALL, writeSmallNode } from '../support/small-layout.ts';
import { type TempRoot, tempRoot } from '../support/temp-root.ts';

const read = async ({ disk }: TempRoot) =>
  await readCurrentCertificates(SMALL, async (path) => await readText(disk, path));

test('reads every CA and certificate, also one that only a kubeconfig contains', async () => {
  const root = await tempRoot();
  const { ca, server, admin } = await writeSmallNode(root);
  expect(await read(root)).toEqual({
    authorities: [['kubernetes', ca.pem]],
    certificates: [
      ['server', server.certificate],
      ['admin', admin.certificate],
    ],
  });
});

test('reads a missing file as an empty text', async () => {
  const root = await tempRoot();
  await writeSmallNode(root);
  for (const path of ['ca.crt', 'server.crt', 'admin.conf']) await rm(root.at(`/etc/k/${path}`));
  expect(await read(root)).toEqual({
    authorities: [['kubernetes', '']],
    certificates: [
      ['server', ''],
      ['admin', ''],
    ],
  });
});

test('rejects a kubeconfig with an unreadable only copy', async () => {
  const root = await tempRoot();
  await writeSmallNode(root);
  await root.write('/etc/k/admin.conf', 'users: [');
  expect(await agentErrorOf(read(root))).toMatchObject({ code: 'bad-file' });
});
