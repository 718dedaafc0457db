import { execFile } from 'node:child_process';
import { stat, symlink, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { appendLines, createInMemory, infoOf, readFile } from '../../../src/base/open-file.ts';
import type { Place } from '../../../src/base/walk.ts';
import { faultIn } from '../support/outcome-of.ts';
import { tempRoot } from '../support/temp-root.ts';

const MIB = 2 ** 20;

const placeOf = (at: string, fault?: string): Place => ({ at, directory: '/', names: [], path: at, fault });

describe('a file', () => {
  test.each([0, 1, 64 * 1024, 64 * 1024 + 1, 3 * MIB])('of %i bytes is read whole', async (size) => {
    const { at, write } = await tempRoot();
    const content = Buffer.alloc(size, 'ab');
    await write('/f', content, 0o640);
    const read = await readFile(placeOf(at('/f')));
    expect(read.content.equals(content)).toBe(true);
    expect(read.info).toMatchObject({ type: 'file', size, mode: 0o640 });
    const { dev, ino } = await stat(at('/f'));
    expect(read.id).toBe(`${dev}:${ino}`);
  });

  test('is not read through a symlink that takes its place, and a pipe is not waited for', async () => {
    const { at, write } = await tempRoot();
    await write('/f', 'secret');
    await symlink('f', at('/link'));
    await expect(readFile(placeOf(at('/link')))).rejects.toMatchObject({ code: 'ELOOP' });
    await promisify(execFile)('mkfifo', [at('/pipe')]);
    expect(await faultIn(readFile(placeOf(at('/pipe'))))).toEqual({ code: 'disk', reason: 'not-a-file' });
  });

  test('that others can write may be 16 MiB large, any other 24 MiB', async () => {
    const { at } = await tempRoot();
    const sized = async (size: number): Promise<string> => {
      await promisify(execFile)('truncate', ['-s', String(size), at('/f')]);
      return at('/f');
    };
    await writeFile(at('/f'), '');
    const tooLarge = { code: 'disk', reason: 'file-too-large' };
    expect(await faultIn(readFile(placeOf(await sized(24 * MIB + 1))))).toEqual(tooLarge);
    expect(await faultIn(readFile(placeOf(await sized(16 * MIB + 1), 'theirs')))).toEqual(tooLarge);
    expect((await readFile(placeOf(at('/f')))).info.size).toBe(16 * MIB + 1);
  });
});

test('tells a directory and a symlink from a file', async () => {
  const { at, write } = await tempRoot();
  await write('/d/f', '', 0o600);
  expect(infoOf(await stat(at('/d')))).toMatchObject({ type: 'directory' });
  expect(infoOf(await stat('/dev/null'))).toMatchObject({ type: 'other' });
});

describe('a file in memory', () => {
  test('is created with its mode, whatever the umask is, and never over another', async () => {
    const { at, disk, read } = await tempRoot();
    const before = process.umask(0o077);
    try {
      createInMemory(at('/f'), 'new', 0o644);
    } finally {
      process.umask(before);
    }
    expect(await disk.info('/f')).toMatchObject({ mode: 0o644 });
    createInMemory(at('/closed'), '');
    expect(await disk.info('/closed')).toMatchObject({ mode: 0o600 });
    expect(() => {
      createInMemory(at('/f'), 'other');
    }).toThrow('EEXIST');
    expect(await read('/f')).toBe('new');
  });
});

describe('appended lines', () => {
  test('make a closed file, then follow its lines', async () => {
    const { at, disk, read } = await tempRoot();
    await appendLines(at('/log'), 'one\n');
    await appendLines(at('/log'), 'two\nthree\n');
    expect(await read('/log')).toBe('one\ntwo\nthree\n');
    expect(await disk.info('/log')).toMatchObject({ mode: 0o600 });
  });

  test('begin a new line after one that a kill has cut', async () => {
    const { at, read, write } = await tempRoot();
    await write('/log', 'one\ntw');
    await appendLines(at('/log'), 'three\n');
    expect(await read('/log')).toBe('one\ntw\nthree\n');
  });

  test('do not go through a symlink', async () => {
    const { at, write, read } = await tempRoot();
    await write('/secret', '');
    await symlink('secret', at('/log'));
    await expect(appendLines(at('/log'), 'one\n')).rejects.toMatchObject({ code: 'ELOOP' });
    expect(await read('/secret')).toBe('');
  });
});
