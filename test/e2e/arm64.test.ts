import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuiltPackage, buildPackage } from './package.ts';

/** The package for arm64, run by an emulated processor. */

let built: BuiltPackage;
let unpacked: string;
beforeAll(async () => {
  await execa(join(import.meta.dirname, '../../scripts/image'), ['install']);
  built = await buildPackage({}, '022', 'arm64');
  unpacked = join(built.folder, 'unpacked');
  await mkdir(unpacked);
  await execa('tar', ['-C', unpacked, '-xzf', built.tarball]);
});
afterAll(async () => {
  await built?.close();
});

/** Runs the script `agent` on an arm64 with Debian's cross-compiler packages. */
const agent = async (...args: string[]): Promise<string> => {
  const home = join(unpacked, 'coe-agent');
  const script = (await execa('cat', [join(home, 'agent')])).stdout;
  const flags = /^exec "\$here\/node" (.*) "\$here\/lib\/agent.mjs"/m.exec(script)?.[1]?.split(' ') ?? [];
  expect(flags).not.toEqual([]);
  const program = [join(home, 'node'), ...flags, join(home, 'lib/agent.mjs')];
  const { stdout } = await execa('qemu-aarch64-static', [
    '-L',
    '/usr/aarch64-linux-gnu',
    ...program,
    ...args,
  ]);
  return stdout;
};

test('contains an arm64 runtime, which runs the program', async () => {
  const { stdout } = await execa('file', ['--brief', join(unpacked, 'coe-agent/node')]);
  expect(stdout).toContain('ARM aarch64');
  expect(await agent('--version')).toMatch(/^\d+\.\d+\.\d+$/);
  expect(await agent('--help')).toContain('Usage: agent');
});

test('runs a verb', async () => {
  expect(await agent('unit-paths')).toContain('ReadWritePaths=-/etc/kubernetes');
});

test('builds a Debian package for arm64', async () => {
  const { stdout } = await execa('dpkg-deb', ['--field', built.debian, 'Architecture']);
  expect(stdout).toBe('arm64');
});
