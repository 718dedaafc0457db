import { expect, test } from 'vitest';
import { digestOf, forgetBefore, readBefore, writeBefore } from '../../../agent/migration/record.ts';
import { STATE } from '../../../agent/paths.ts';
import { writeRecord } from '../../../src/base/record.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

const PATH = `${STATE}/migration`;

test('keeps the record, also on a node where the daemon never ran, until it is dropped', async () => {
  const { disk } = await tempRoot();
  expect(await readBefore(disk)).toBeUndefined();
  const before = { enabled: ['a.service'], config: digestOf('x') };
  await writeBefore(disk, before);
  expect(await readBefore(disk)).toEqual(before);
  await forgetBefore(disk);
  expect(await readBefore(disk)).toBeUndefined();
});

test.each([
  [true, ['os-collect-config.service']],
  [false, []],
])('reads the record of an earlier version: enabled %s', async (enabled, units) => {
  const { disk } = await tempRoot();
  await writeBefore(disk, { enabled: [], config: null });
  await writeRecord(disk, PATH, { enabled, config: null });
  expect(await readBefore(disk)).toEqual({ enabled: units, config: null });
});

test('rejects a damaged record: which units were enabled is unknown', async () => {
  const { disk, write } = await tempRoot();
  await write(PATH, '{');
  expect((await faultIn(readBefore(disk))).code).toBe('state');
});

// `printf abc | sha256sum`
test('names a configuration by its SHA-256', () => {
  expect(digestOf('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
