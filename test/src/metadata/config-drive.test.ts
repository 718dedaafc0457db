import { chmod, mkdir, symlink } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { configDriveCollector, driveReader } from '../../../src/metadata/config-drive.ts';
import { faultIn } from '../support/outcome-of.ts';
import { NEVER } from '../support/clock.ts';
import { tempRoot } from '../support/temp-root.ts';

const nowhere = async (): Promise<undefined> => await Promise.resolve(undefined);

test('reads a mounted drive in place, and only once', async () => {
  const { disk, write } = await tempRoot();
  const collector = configDriveCollector(driveReader(disk, ['/mnt/config', '/run/copy'], nowhere));
  expect(await collector.collect(NEVER)).toEqual([]);
  await write('/mnt/config/ec2/latest/meta-data.json', '{"local-ipv4": "10.0.0.5"}');
  const found = [{ source: 'config drive', text: '{"local-ipv4": "10.0.0.5"}' }];
  expect(await collector.collect(NEVER)).toEqual(found);
  await write('/mnt/config/ec2/latest/meta-data.json', '{}');
  expect(await collector.collect(NEVER)).toEqual(found);
});

test('reads a copy if no drive is mounted, before it searches for one', async () => {
  const { disk, write } = await tempRoot();
  const read = driveReader(disk, ['/mnt/config', '/run/copy'], async () => await Promise.reject(new Error()));
  await write('/run/copy/ec2/latest/meta-data.json', '{"a": 1}');
  expect(await read(NEVER)).toBe('{"a": 1}');
  await write('/mnt/config/ec2/latest/meta-data.json', '{"a": 2}');
  expect(await read(NEVER)).toBe('{"a": 2}');
});

test('otherwise finds a drive by its label', async () => {
  const { disk } = await tempRoot();
  const read = driveReader(disk, ['/mnt/config', '/run/copy'], async () => await Promise.resolve('{"a": 1}'));
  expect(await read(NEVER)).toBe('{"a": 1}');
});

test.each([
  ['the file', '/mnt/config/ec2/latest', 'meta-data.json', '/root/secret'],
  ['a directory', '/mnt/config/ec2', 'latest', '/root'],
])(
  "does not follow a symlink %s on a drive: the drive's maker would choose the file",
  async (_, directory, name, target) => {
    const { disk, write, at } = await tempRoot();
    await write('/root/secret', 'root:secret');
    await write('/root/meta-data.json', 'root:secret');
    await mkdir(at(directory), { recursive: true });
    await symlink(target, at(`${directory}/${name}`));
    expect(await faultIn(driveReader(disk, ['/mnt/config'], nowhere)(NEVER))).toEqual({
      code: 'bad-metadata',
      reason: 'symlink-not-followed',
    });
  },
);

test('prefers a drive that others cannot change, and reports why the only one is untrusted', async () => {
  const { disk, write, at } = await tempRoot();
  const read = driveReader(disk, ['/mnt/config', '/run/copy'], nowhere);
  await write('/mnt/config/ec2/latest/meta-data.json', '{"a": 1}');
  await chmod(at('/mnt/config'), 0o777);
  expect(await faultIn(read(NEVER))).toEqual({ code: 'bad-metadata', reason: 'untrusted-file' });
  await write('/run/copy/ec2/latest/meta-data.json', '{"a": 2}');
  expect(await read(NEVER)).toBe('{"a": 2}');
});
