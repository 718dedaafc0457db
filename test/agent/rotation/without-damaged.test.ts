import { symlink } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { withoutDamaged } from '../../../agent/rotation/without-damaged.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { SMALL, writeSmallNode } from '../../src/support/small-layout.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

const NO_CERTIFICATE = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const [CA, CONFIG, SERVER] = ['/etc/k/ca.crt', '/etc/k/admin.conf', '/etc/k/server.crt'];

test('leaves the disk of a good set as it is', async () => {
  const root = await tempRoot();
  await writeSmallNode(root);
  expect(await withoutDamaged(SMALL, root.disk)).toBe(root.disk);
});

test.each([
  [CA, NO_CERTIFICATE],
  [CONFIG, 'users: ['],
])('hides %s with %j', async (path, text) => {
  const root = await tempRoot();
  await writeSmallNode(root);
  await root.write(path, text);
  const disk = await withoutDamaged(SMALL, root.disk);
  expect(await disk.info(path)).toBeUndefined();
  expect(await disk.snapshot(path)).toBeUndefined();
  await expect(disk.read(path)).rejects.toMatchObject({ code: 'ENOENT' });
  for (const other of [CA, CONFIG, SERVER].filter((one) => one !== path)) {
    expect(await disk.info(other)).toBeDefined();
    expect((await disk.read(other)).toString()).toBe(await root.read(other));
  }
});

test('hides it under its other names too', async () => {
  const root = await tempRoot();
  await writeSmallNode(root);
  await root.write(CA, NO_CERTIFICATE);
  await symlink('ca.crt', root.at('/etc/k/link.crt'));
  const disk = await withoutDamaged(SMALL, root.disk);
  expect(await disk.snapshot('/etc/k/link.crt')).toBeUndefined();
});

test('shows a damaged kubeconfig that cannot be made anew', async () => {
  const root = await tempRoot();
  await writeSmallNode(root);
  await root.write(CONFIG, 'users: [');
  const kubeconfigs = SMALL.kubeconfigs.map((row) => ({ ...row, create: false }));
  const disk = await withoutDamaged({ ...SMALL, kubeconfigs }, root.disk);
  expect(await disk.info(CONFIG)).toBeDefined();
});

test('passes on errors of the disk', async () => {
  const root = await tempRoot();
  await writeSmallNode(root);
  await root.disk.remove(CA);
  await root.disk.makeDirectory(CA, {});
  expect(await faultIn(withoutDamaged(SMALL, root.disk))).toMatchObject({ code: 'disk' });
});
