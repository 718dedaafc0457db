import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import type { Architecture } from './runtime.ts';

const DEBIAN_NAME: Record<Architecture, string> = { x64: 'amd64', arm64: 'arm64' };
const SOURCES = join(import.meta.dirname, '../package.d/debian');
/** The project has no mail address of its own. */
const MAINTAINER = 'coe-agent developers <coe-agent@localhost>';
const CONTROL_FILES = ['control', 'preinst', 'postinst', 'prerm', 'postrm'];

type Identity = { architecture: Architecture; version: string; date: number };

/** Makes a Debian package of the same files. Without dpkg-deb it reports this and makes none. */
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
  for (const [from, to] of COMPLETIONS) await put(join(tree, 'completions', from), `usr/share/${to}`);
  await manual(join(root, 'usr/share/man/man8'), tree);
  await mkdir(join(root, 'usr/bin'), { recursive: true });
  await symlink('/opt/coe-agent/agent', join(root, 'usr/bin/coe-agent'));
  await put(join(SOURCES, 'lintian-overrides'), 'usr/share/lintian/overrides/coe-agent');
  await documentation(join(root, 'usr/share/doc/coe-agent'), tree, identity);

  await mkdir(join(root, 'DEBIAN'));
  for (const name of CONTROL_FILES) {
    const text = await readFile(join(SOURCES, name), 'utf8');
    const filled = text
      .replaceAll('@VERSION@', version)
      .replaceAll('@ARCHITECTURE@', DEBIAN_NAME[architecture])
      .replaceAll('@MAINTAINER@', MAINTAINER);
    await writeFile(join(root, 'DEBIAN', name), filled);
  }
  await modes(root);
  await writeFile(join(root, 'DEBIAN/md5sums'), await md5sums(root));
  await chmod(join(root, 'DEBIAN/md5sums'), 0o644);

  const path = join(out, `coe-agent_${version}_${DEBIAN_NAME[architecture]}.deb`);
  // dpkg-deb itself takes every time from this variable.
  const env = { SOURCE_DATE_EPOCH: String(date) };
  await execa('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z6', '--build', root, `${path}.new`], { env });
  await rename(`${path}.new`, path);
  await rm(root, { recursive: true });
  return [path];
}

/** Where each shell searches completions of packages. bash and fish search by the name of the program. */
const COMPLETIONS = [
  ['coe-agent.bash', 'bash-completion/completions/coe-agent'],
  ['coe-agent.bash', 'bash-completion/completions/agent'],
  ['_coe-agent', 'zsh/vendor-completions/_coe-agent'],
  ['coe-agent.fish', 'fish/vendor_completions.d/coe-agent.fish'],
  ['agent.fish', 'fish/vendor_completions.d/agent.fish'],
] as const;

/** Debian's policy requires compressed pages. */
async function manual(folder: string, tree: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(join(tree, 'man')))
    await writeFile(
      join(folder, `${name}.gz`),
      gzipSync(await readFile(join(tree, 'man', name)), { level: 9 }),
    );
}

/**
 * Writes the files that Debian's policy requires below /usr/share/doc: the copyright, and the changelog in its own
 * format.
 */
async function documentation(folder: string, tree: string, { version, date }: Identity): Promise<void> {
  await mkdir(folder, { recursive: true });
  const copyright = await readFile(join(SOURCES, 'copyright'), 'utf8');
  const licences = (await readdir(join(tree, 'licences'))).toSorted().map((name) => ` ${name}`);
  await writeFile(join(folder, 'copyright'), copyright.replace(' @LICENCES@', licences.join('\n')));
  for (const name of ['README.md', 'docs']) await symlink(`/opt/coe-agent/${name}`, join(folder, name));
  const entry = `coe-agent (${version}) unstable; urgency=medium

  * The changes of this version: /opt/coe-agent/CHANGELOG.md

 -- ${MAINTAINER}  ${new Date(date * 1000).toUTCString().replace('GMT', '+0000')}
`;
  // gzip's own header would contain the time of the build; zlib writes none.
  await writeFile(join(folder, 'changelog.gz'), gzipSync(entry, { level: 9 }));
}

/** Writes the checksums with which `dpkg --verify` compares a node's files. */
async function md5sums(root: string): Promise<string> {
  const files = (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(join(root, 'DEBIAN')))
    .toSorted();
  const lines = files.map(async (path) => {
    const sum = createHash('md5').update(await readFile(path));
    return `${sum.digest('hex')}  ${relative(root, path)}\n`;
  });
  return (await Promise.all(lines)).join('');
}

/**
 * Sets modes independently of the builder's umask; dpkg runs the scripts. The program's own tree already has its modes.
 */
async function modes(root: string): Promise<void> {
  await chmod(root, 0o755);
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(path, 0o755);
    else if (entry.parentPath.endsWith('/DEBIAN'))
      await chmod(path, entry.name === 'control' ? 0o644 : 0o755);
    else if (entry.isFile() && !path.startsWith(join(root, 'opt/'))) await chmod(path, 0o644);
  }
}
