import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { type Machine, startMachine } from './machine.ts';
import { buildPackage } from './package.ts';

/** An image of a node, as `scripts/image build` makes it, with a real etcd. */
export type Image = { tarball: string; close(): Promise<void> };

/** Files that a node gets from outside before it boots: files by path with their mode, links by path. */
export type Handed = {
  files: Readonly<Record<string, readonly [text: string, mode: number]>>;
  links: Readonly<Record<string, string>>;
};

const PROJECT = join(import.meta.dirname, '../..');

export async function buildImage(): Promise<Image> {
  const folder = await mkdtemp(join(tmpdir(), 'coe-image-'));
  const close = async (): Promise<void> => {
    await rm(folder, { recursive: true, force: true });
  };
  const built = await buildPackage();
  try {
    const tarball = join(folder, 'node.tar');
    await execa('scripts/image', ['install'], { cwd: PROJECT });
    await execa('scripts/image', ['build', tarball, '-p', 'etcd-server'], {
      cwd: PROJECT,
      env: { DIB_COE_AGENT_TARBALL: built.tarball },
    });
    return { tarball, close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    await built.close();
  }
}

/** Boots a machine of the image with only these files added. */
export async function bootImage({ tarball }: Pick<Image, 'tarball'>, handed: Handed): Promise<Machine> {
  const folder = await mkdtemp(join(tmpdir(), 'coe-handed-'));
  const place = async (path: string): Promise<string> => {
    const at = join(folder, path);
    await mkdir(dirname(at), { recursive: true });
    return at;
  };
  try {
    // The folder gets the mode of the image's folder that it replaces.
    await chmod(folder, 0o755);
    for (const [path, [text, mode]] of Object.entries(handed.files))
      await writeFile(await place(path), text, { mode });
    for (const [path, target] of Object.entries(handed.links)) await symlink(target, await place(path));
    return await startMachine('--image', tarball, '--with', folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
