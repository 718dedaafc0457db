import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const run = promisify(execFile);

/** Loop devices and mounts are root's. */
const asRoot = async (...command: string[]): Promise<string> => {
  const [program = '', ...args] = process.getuid?.() === 0 ? command : ['sudo', ...command];
  return (await run(program, args)).stdout.trim();
};

/** What the agent, which is root on a node, finds; `none` where there is no drive. */
const read = async (): Promise<string> => {
  const file = join(import.meta.dirname, '../../src/metadata/config-drive.ts');
  const code = `const { readByLabel } = await import('${file}');
    console.log((await readByLabel(new AbortController().signal)) ?? 'none');`;
  return await asRoot(process.execPath, '--input-type=module', '--eval', code);
};

/** A file system of this label on a loop device, as the kernel shows a config drive. */
async function attachDrive(label: string, path: string, text: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'coe-drive-'));
  onTestFinished(async () => await rm(folder, { recursive: true }));
  await mkdir(join(folder, 'files', dirname(path)), { recursive: true });
  await writeFile(join(folder, 'files', path), text);
  const image = join(folder, 'image');
  await run('/usr/sbin/mkfs.ext4', ['-q', '-L', label, '-d', join(folder, 'files'), image, '2M']);
  const device = await asRoot('/usr/sbin/losetup', '--find', '--show', image);
  onTestFinished(async () => void (await asRoot('/usr/sbin/losetup', '--detach', device)));
}

test('a config drive is found by its label, read, and left as it was', async () => {
  expect(await read()).toBe('none');
  await attachDrive('config-2', 'ec2/latest/meta-data.json', '{"local-ipv4": "10.0.0.5"}');
  expect(await read()).toBe('{"local-ipv4": "10.0.0.5"}');
  expect(await asRoot('mount')).not.toContain('coe-config-drive-');
});

test('one without the metadata says so', async () => {
  await attachDrive('config-2', 'openstack/latest/meta_data.json', '{}');
  await expect(read()).rejects.toThrow(/reading the config drive .*ENOENT/);
});
