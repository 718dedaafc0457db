import { link, readdir, symlink } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { AgentError, errnoOf } from '../../../src/base/errors.ts';
import { replaceFile } from '../../../src/base/replace-file.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { tempRoot } from '../support/temp-root.ts';

test('replaces a file that need not be durable without a sync, also over the rest of a kill', async () => {
  const { disk, read, at } = await tempRoot();
  const synced: string[] = [];
  const noting = {
    ...disk,
    sync: async (path: string) => {
      synced.push(path);
      await disk.sync(path);
    },
  };
  await disk.create('/.a.new', 'cut', {});
  for (const content of ['one', 'two']) {
    await replaceFile(noting, '/a', content, { mode: 0o640, durable: false });
    expect(await read('/a')).toBe(content);
    expect(await disk.info('/a')).toMatchObject({ mode: 0o640 });
  }
  expect(synced).toEqual([]);
  expect(await readdir(at('/'))).toEqual(['a']);
  await replaceFile(noting, '/a', 'three', {});
  expect(synced).toEqual(['/']);
  const missing = replaceFile(disk, '/nowhere/a', '', { durable: false });
  expect(errnoOf(await agentErrorOf(missing))).toBe('ENOENT');
});

test('replaces a file as a whole, with the requested attributes, and leaves no temporary file', async () => {
  const { disk, read, write, files, at } = await tempRoot();
  await write('/d/f', 'old', 0o644);
  await link(at('/d/f'), at('/d/other-name'));
  await write('/d/.f.new', 'left by a killed run');
  await replaceFile(disk, '/d/f', 'new', { mode: 0o600 });
  expect([await read('/d/f'), await read('/d/other-name')]).toEqual(['new', 'old']);
  expect(await disk.info('/d/f')).toMatchObject({ mode: 0o600 });
  expect(await files()).toEqual(['/d/f', '/d/other-name']);
});

test('does not follow a planted symlink at the path of the temporary file', async () => {
  const { disk, read, write, at } = await tempRoot();
  await write('/secret', 'untouched');
  await write('/d/f', 'old');
  await symlink('/secret', at('/d/.f.new'));
  await replaceFile(disk, '/d/f', 'new', {});
  expect([await read('/d/f'), await read('/secret')]).toEqual(['new', 'untouched']);
});

test('keeps the old file if the new content cannot be written', async () => {
  const { disk, read, write } = await tempRoot();
  await write('/d/f', 'old');
  const full = { ...disk, create: async () => await Promise.reject(new AgentError('disk', 'full')) };
  expect((await agentErrorOf(replaceFile(full, '/d/f', 'new', {}))).message).toBe('full');
  expect(await read('/d/f')).toBe('old');
});

test('removes the new content if it cannot be put in place', async () => {
  const { disk, files, write } = await tempRoot();
  await write('/d/f/in-the-way', 'a directory');
  expect(errnoOf(await agentErrorOf(replaceFile(disk, '/d/f', 'new', {})))).toBe('EISDIR');
  expect(await files()).toEqual(['/d/f/in-the-way']);
});
