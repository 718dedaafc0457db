import { mkdtemp, rm } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { asRoot, type Machine } from './machine.ts';

/** The output of `npm run build` for an architecture. */
export type BuiltPackage = { folder: string; tarball: string; debian: string; close(): Promise<void> };

const BUILD = join(import.meta.dirname, '../../scripts/build.ts');
const DEBIAN = { x64: 'amd64', arm64: 'arm64' } as const;

/** @param umask of the builder @param name of the architecture, by default this machine's */
export async function buildPackage(
  env: NodeJS.ProcessEnv = {},
  umask = '022',
  name: keyof typeof DEBIAN = arch() === 'arm64' ? 'arm64' : 'x64',
): Promise<BuiltPackage> {
  const folder = await mkdtemp(join(tmpdir(), 'coe-package-'));
  const out = join(folder, 'build');
  const build = 'umask "$1" && shift && exec "$@"';
  const { stdout } = await execa(
    'sh',
    ['-c', build, 'sh', umask, process.execPath, BUILD, name, '--out', out],
    { env, cwd: folder },
  );
  const made = stdout.split('\n');
  const find = (ending: string): string => {
    const path = made.find((line) => line.endsWith(ending));
    if (path === undefined) throw new Error(`the build made no ${ending}: ${stdout}`);
    return join(folder, path);
  };
  return {
    folder: out,
    tarball: find(`linux-${name}.tar.gz`),
    debian: find(`${DEBIAN[name]}.deb`),
    close: async () => {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Unpacks the tarball in a machine and installs it, as a person does. */
export async function installIn(machine: Machine, { tarball }: BuiltPackage): Promise<void> {
  const unpack = ['tar', '-C', join(machine.root, 'root'), '-xzf', tarball];
  const [program = '', ...args] = [...asRoot, ...unpack];
  await execa(program, args);
  await machine.run('/root/coe-agent/setup', 'install');
}
