import { chmod, cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import type { Architecture } from './runtime.ts';

const DEBIAN_NAME: Record<Architecture, string> = { x64: 'amd64', arm64: 'arm64' };
const SOURCES = join(import.meta.dirname, '../package.d/debian');

type Identity = { architecture: Architecture; version: string; date: number };

/** The same files as a Debian package. Where there is no dpkg-deb there is none, and that is said. */
export async function debianPackage(tree: string, out: string, identity: Identity): Promise<string[]> {
  const { architecture, version, date } = identity;
  if ((await execa('dpkg-deb', ['--version'], { reject: false })).failed) {
    console.error('this machine has no dpkg-deb: no Debian package is made');
    return [];
  }
  const root = join(dirname(tree), 'debian');
  await rm(root, { recursive: true, force: true });
  const put = async (from: string, to: string): Promise<void> => {
    await mkdir(dirname(join(root, to)), { recursive: true });
    await cp(from, join(root, to), { recursive: true });
  };
  await put(tree, 'opt/coe-agent');
  for (const name of await readdir(join(tree, 'systemd'))) {
    const kind = /\.(service|sysusers|tmpfiles)$/.exec(name)?.[1];
    if (kind === 'service') await put(join(tree, 'systemd', name), `usr/lib/systemd/system/${name}`);
    else if (kind) await put(join(tree, 'systemd', name), `usr/lib/${kind}.d/coe-agent.conf`);
  }
  await mkdir(join(root, 'usr/local/bin'), { recursive: true });
  await symlink('/opt/coe-agent/agent', join(root, 'usr/local/bin/agent'));

  await mkdir(join(root, 'DEBIAN'));
  for (const name of await readdir(SOURCES)) {
    const text = await readFile(join(SOURCES, name), 'utf8');
    const filled = text
      .replaceAll('@VERSION@', version)
      .replaceAll('@ARCHITECTURE@', DEBIAN_NAME[architecture]);
    await writeFile(join(root, 'DEBIAN', name), filled);
  }
  await modes(root);

  const path = join(out, `coe-agent_${version}_${DEBIAN_NAME[architecture]}.deb`);
  // dpkg-deb itself takes every time from there.
  const env = { SOURCE_DATE_EPOCH: String(date) };
  await execa('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z6', '--build', root, `${path}.new`], { env });
  await rename(`${path}.new`, path);
  await rm(root, { recursive: true });
  return [path];
}

/** Folders whatever the builder's umask, and the scripts that dpkg runs. */
async function modes(root: string): Promise<void> {
  await chmod(root, 0o755);
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(path, 0o755);
    else if (entry.parentPath.endsWith('/DEBIAN'))
      await chmod(path, entry.name === 'control' ? 0o644 : 0o755);
  }
}
