import { chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cloudForFile } from '../../cloud/for-file.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';

const cloud = await cloudForFile();

const STATE = '/var/lib/coe-agent';

/** Lists every directory of the state that is open to other users, with its mode. */
async function open({ node }: Site): Promise<string[]> {
  const at = join(node.root, STATE);
  const below = (await readdir(at, { recursive: true, withFileTypes: true })).filter((one) =>
    one.isDirectory(),
  );
  const found: string[] = [];
  for (const path of [at, ...below.map(({ parentPath, name }) => join(parentPath, name))]) {
    const mode = (await stat(path)).mode & 0o777;
    if (mode !== 0o700) found.push(`${path.slice(node.root.length)} ${mode.toString(8)}`);
  }
  return found;
}

test.each([0o000, 0o022, 0o077])(
  'keeps the state private to root when run by hand with the umask %o',
  async (umask) => {
    const site = await createSite(cloud, { bare: true });
    const before = process.umask(umask);
    try {
      expect((await cli(site, ['make-cert'])).code).toBe(0);
      await cloud.rotateCa(site.cluster);
      expect((await cli(site, ['run-once'])).code).toBe(0);
    } finally {
      process.umask(before);
    }
    expect(await open(site)).toEqual([]);
  },
);

test('closes an open directory when the next verb writes', async () => {
  const site = await createSite(cloud);
  const at = join(site.node.root, STATE);
  const directories = ['', 'generation', 'generation/previous', 'deployments', 'runs'];
  for (const path of directories) {
    await mkdir(join(at, path), { recursive: true });
    await chmod(join(at, path), 0o755);
  }
  expect(await open(site)).not.toEqual([]);
  expect((await cli(site, ['run-once'])).stderr).toBe('');
  expect(await open(site)).toEqual([]);
});
