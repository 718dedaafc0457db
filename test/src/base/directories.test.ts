import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { closeDirectory, listDirectory, makeDirectories, stampOf } from '../../../src/base/directories.ts';
import { tempRoot } from '../support/temp-root.ts';

test("sets a directory's attributes when it makes it, and keeps those of an existing one", async () => {
  const { disk } = await tempRoot();
  await disk.makeDirectory('/a/b/c', { mode: 0o550, uid: 0, gid: 12 });
  expect(await disk.info('/a/b/c')).toMatchObject({ type: 'directory', mode: 0o550, uid: 0, gid: 12 });
  await disk.makeDirectory('/a/b/c', { mode: 0o700 });
  expect(await disk.info('/a/b/c')).toMatchObject({ mode: 0o550, gid: 12 });
  await Promise.all(['/p/q', '/p/q', '/p/r'].map(async (path) => await disk.makeDirectory(path, {})));
  expect(await disk.list('/p')).toEqual(['q', 'r']);
});

test('gives missing parents the mode 0755, or 0700 if the directory itself is closed', async () => {
  const { disk, root } = await tempRoot();
  await makeDirectories({ directory: root, names: ['a', 'b', 'open'] }, { mode: 0o770 });
  await makeDirectories({ directory: root, names: ['c', 'd', 'closed'] }, { mode: 0o700 });
  await makeDirectories({ directory: root, names: ['e'] }, {});
  const modes = ['/a', '/a/b', '/a/b/open', '/c', '/c/d', '/c/d/closed', '/e'].map(async (path) =>
    (await disk.info(path))?.mode.toString(8),
  );
  expect(await Promise.all(modes)).toEqual(['755', '755', '770', '700', '700', '700', '755']);
  await makeDirectories({ directory: root, names: [] }, { mode: 0o700 });
});

test('follows no symlink in the place of a directory', async () => {
  const { at, root } = await tempRoot();
  await mkdir(at('/target'));
  await symlink('target', at('/link'));
  for (const attempt of [
    async () => await makeDirectories({ directory: root, names: ['link', 'new'] }, {}),
    async () => await closeDirectory(at('/link')),
    async () => await Promise.resolve(listDirectory(at('/link'))),
  ])
    await expect(attempt()).rejects.toMatchObject({ code: 'ENOTDIR' });
  expect(listDirectory(at('/target'))).toEqual([]);
});

test('lists the names of a directory, none if it does not exist', async () => {
  const { at, write } = await tempRoot();
  await write('/d/a', '');
  await write('/d/sub/b', '');
  expect(listDirectory(at('/d')).toSorted()).toEqual(['a', 'sub']);
  expect(listDirectory(at('/none'))).toEqual([]);
});

test('closes a directory for all but its owner', async () => {
  const { disk, at } = await tempRoot();
  await disk.makeDirectory('/d', { mode: 0o755 });
  await closeDirectory(at('/d'));
  expect(await disk.info('/d')).toMatchObject({ mode: 0o700 });
});

describe('the stamp of a directory', () => {
  const BELOW = ['one', 'two'];

  test.each<[string, (at: (path: string) => string) => Promise<unknown>]>([
    ['a new name in it', async (at) => await mkdir(at('/d/new'))],
    ['a new name in a directory below', async (at) => await mkdir(at('/d/one/new'))],
    ['the first directory of a name', async (at) => await mkdir(at('/d/two'))],
    ['the end of a directory', async (at) => await rm(at('/d/one'), { recursive: true })],
    [
      'another directory of the same name',
      async (at) => {
        await mkdir(at('/other'));
        await rename(at('/d/one'), at('/before'));
        await rename(at('/other'), at('/d/one'));
      },
    ],
  ])('changes with %s', async (_, change) => {
    const { at, write } = await tempRoot();
    await write('/d/one/a', '');
    const before = stampOf(at('/d'), BELOW);
    expect(stampOf(at('/d'), BELOW)).toBe(before);
    await change(at);
    expect(stampOf(at('/d'), BELOW)).not.toBe(before);
  });

  test('does not exist if one of them is a symlink: its target can change alone', async () => {
    const { at, write } = await tempRoot();
    await write('/d/one/a', '');
    await symlink('one', at('/d/two'));
    expect(stampOf(at('/d'), BELOW)).toBeUndefined();
    expect(stampOf(at('/d'), ['one'])).toBeDefined();
  });
});
