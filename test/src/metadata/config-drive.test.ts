import { expect, test } from 'vitest';
import { configDriveCollector, driveReader } from '../../../src/metadata/config-drive.ts';
import { NEVER } from '../support/clock.ts';
import { tempRoot } from '../support/temp-root.ts';

const nowhere = async (): Promise<undefined> => await Promise.resolve(undefined);

test('a drive that somebody has mounted is read there, and only once', async () => {
  const { disk, write } = await tempRoot();
  const collector = configDriveCollector(driveReader(disk, ['/mnt/config', '/run/copy'], nowhere));
  expect(await collector.collect(NEVER)).toEqual([]);
  await write('/mnt/config/ec2/latest/meta-data.json', '{"local-ipv4": "10.0.0.5"}');
  const found = [{ source: 'config drive', text: '{"local-ipv4": "10.0.0.5"}' }];
  expect(await collector.collect(NEVER)).toEqual(found);
  await write('/mnt/config/ec2/latest/meta-data.json', '{}');
  expect(await collector.collect(NEVER)).toEqual(found);
});

test('a copy is read where nothing is mounted, and before it is looked for', async () => {
  const { disk, write } = await tempRoot();
  const read = driveReader(disk, ['/mnt/config', '/run/copy'], async () => await Promise.reject(new Error()));
  await write('/run/copy/ec2/latest/meta-data.json', '{"a": 1}');
  expect(await read(NEVER)).toBe('{"a": 1}');
  await write('/mnt/config/ec2/latest/meta-data.json', '{"a": 2}');
  expect(await read(NEVER)).toBe('{"a": 2}');
});

test('elsewhere it is looked for by its label', async () => {
  const { disk } = await tempRoot();
  const read = driveReader(disk, ['/mnt/config', '/run/copy'], async () => await Promise.resolve('{"a": 1}'));
  expect(await read(NEVER)).toBe('{"a": 1}');
});
