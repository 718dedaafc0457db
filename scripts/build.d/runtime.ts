import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { execa, ExecaError } from 'execa';
import { lockedPackage } from './lock-file.ts';

export const ARCHITECTURES = ['x64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

const MODULES = join(import.meta.dirname, '../../node_modules');

/**
 * Returns the folder with the Node runtime (bin/node, LICENSE) of an architecture. `npm ci` installs this machine's. A
 * foreign one is fetched once from the archive that the lock file names, and compared with its hash.
 */
export async function runtimeOf(architecture: Architecture): Promise<string> {
  const name = `node-linux-${architecture}`;
  const installed = join(MODULES, name);
  if (existsSync(join(installed, 'bin/node'))) return installed;
  const { version, integrity } = await lockedPackage(name);
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'coe-agent');
  const kept = join(cache, `${name}-${version}`);
  if (existsSync(join(kept, 'bin/node'))) return kept;
  await mkdir(cache, { recursive: true });
  const fresh = await mkdtemp(join(cache, 'fetch-'));
  try {
    const archive = join(fresh, await pack(`${name}@${version}`, fresh, architecture));
    const found = `sha512-${createHash('sha512')
      .update(await readFile(archive))
      .digest('base64')}`;
    if (found !== integrity)
      throw new Error(`${name} ${version} differs from the lock file: ${found}, not ${integrity}`);
    await mkdir(join(fresh, 'package'));
    await execa('tar', ['-xzf', archive, '-C', fresh, 'package/bin/node', 'package/LICENSE']);
    await rm(kept, { recursive: true, force: true });
    await rename(join(fresh, 'package'), kept);
    return kept;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** @returns the name of the archive */
async function pack(what: string, into: string, architecture: Architecture): Promise<string> {
  try {
    const { stdout } = await execa('npm', ['pack', what, '--pack-destination', into, '--silent'], {
      cwd: into,
    });
    return stdout.trim();
  } catch (cause) {
    const why = cause instanceof ExecaError ? cause.stderr || cause.shortMessage : String(cause);
    const rest = ARCHITECTURES.filter((other) => other !== architecture).join(' ');
    throw new Error(
      `the Node runtime for ${architecture} is unavailable: npm pack ${what}: ${why}\nwithout it: npm run build -- ${rest}`,
      { cause },
    );
  }
}
