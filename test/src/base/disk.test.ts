import { expect, test } from 'vitest';
import { isMissing, readIfThere, readText } from '../../../src/base/disk.ts';
import { errnoOf } from '../../../src/base/errors.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { tempRoot } from '../support/temp-root.ts';

test('reads a file as bytes or as text, and a missing one as undefined', async () => {
  const { disk, write } = await tempRoot();
  await write('/a', 'é');
  expect(await readIfThere(disk, '/a')).toEqual(Buffer.from([0xc3, 0xa9]));
  expect(await readText(disk, '/a')).toBe('é');
  await write('/empty', '');
  expect(await readText(disk, '/empty')).toBe('');
  expect(await readIfThere(disk, '/none')).toBeUndefined();
  expect(await readText(disk, '/no/such/directory')).toBeUndefined();
});

test('returns undefined only for a missing file: an unreadable one is an error', async () => {
  const { disk } = await tempRoot();
  await disk.makeDirectory('/d', {});
  expect(errnoOf(await agentErrorOf(readIfThere(disk, '/d')))).toBe('EISDIR');
});

const errorOf = (code: string): Error => Object.assign(new Error(code), { code });

test('only ENOENT means that a file is missing', () => {
  expect(['ENOENT', 'EACCES', 'ENOTDIR'].filter((code) => isMissing(errorOf(code)))).toEqual(['ENOENT']);
});
