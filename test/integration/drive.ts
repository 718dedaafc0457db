import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

const run = promisify(execFile);

/** Loop devices and mounts need root. */
export const asRoot = async (...command: string[]): Promise<string> => {
  const [program = '', ...args] = process.getuid?.() === 0 ? command : ['sudo', ...command];
  return (await run(program, args)).stdout.trim();
};

/**
 * Attaches a file system with this label on a loop device, as the kernel shows a config drive, and returns the device.
 */
export async function attachDrive(
  label: string,
  files: Readonly<Record<string, string>>,
  links: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'coe-drive-'));
  onTestFinished(async () => await rm(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, 'files', dirname(path)), { recursive: true });
    await writeFile(join(folder, 'files', path), text);
  }
  for (const [path, target] of Object.entries(links)) {
    await mkdir(join(folder, 'files', dirname(path)), { recursive: true });
    await symlink(target, join(folder, 'files', path));
  }
  const image = join(folder, 'image');
  await run('/usr/sbin/mkfs.ext4', ['-q', '-L', label, '-d', join(folder, 'files'), image, '2M']);
  const device = await asRoot('/usr/sbin/losetup', '--find', '--show', image);
  onTestFinished(async () => void (await asRoot('/usr/sbin/losetup', '--detach', device)));
  return device;
}
