import { execFile } from 'node:child_process';
import {
  chmod,
  link,
  mkdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { isMissing } from '../../../src/base/disk.ts';
import { createDisk } from '../../../src/base/real-disk.ts';
import { walk } from '../../../src/base/walk.ts';
import { agentErrorOf, faultIn } from '../support/outcome-of.ts';
import { tempRoot, type TempRoot } from '../support/temp-root.ts';

/** Directories that others than root may write, as a mode says it; test/e2e/other-users.test.ts has other users. */

const run = promisify(execFile);

/** /foreign can be written by everybody, /own by whoever runs this. */
async function setUp(): Promise<TempRoot> {
  const temp = await tempRoot();
  await temp.write('/root/secret', 'secret');
  for (const directory of ['/own', '/foreign']) await mkdir(temp.at(directory));
  await chmod(temp.at('/foreign'), 0o777);
  return temp;
}

const NOT_FOLLOWED = { code: 'disk', reason: 'symlink-not-followed' };

test('a symlink is followed where root alone can have put it, and nowhere else', async () => {
  const { disk, at } = await setUp();
  await symlink('/root/secret', at('/own/link'));
  await symlink('/root/secret', at('/foreign/link'));
  expect((await disk.read('/own/link')).toString()).toBe('secret');
  expect(await disk.resolve('/own/link')).toBe('/root/secret');
  for (const refused of [
    disk.read('/foreign/link'),
    disk.snapshot('/foreign/link'),
    disk.resolve('/foreign/link'),
    disk.list('/foreign/link'),
    disk.hasBeenRead('/foreign/link'),
    disk.create('/own/new', '', { like: '/foreign/link' }),
  ])
    expect(await faultIn(refused)).toEqual(NOT_FOLLOWED);
  expect(await disk.info('/own/new')).toBeUndefined();
});

test('nor is one in the middle of a path, whatever is done there', async () => {
  const { disk, at, read, files } = await setUp();
  await symlink('/root', at('/foreign/link'));
  for (const refused of [
    disk.read('/foreign/link/secret'),
    disk.info('/foreign/link/secret'),
    disk.create('/foreign/link/new', 'x', {}),
    disk.rename('/root/secret', '/foreign/link/renamed'),
    disk.link('/root/secret', '/foreign/link/linked'),
    disk.remove('/foreign/link/secret'),
    disk.removeTree('/foreign/link/secret'),
    disk.makeDirectory('/foreign/link/made', {}),
    disk.sync('/foreign/link/x'),
  ])
    expect(await faultIn(refused)).toEqual(NOT_FOLLOWED);
  expect(await read('/root/secret')).toBe('secret');
  expect(await files('/root')).toEqual(['/root/secret']);
});

test('a directory of root below that of somebody else is as good as his', async () => {
  const { disk, at } = await setUp();
  await mkdir(at('/foreign/of-root'));
  await symlink('/root/secret', at('/foreign/of-root/link'));
  expect(await faultIn(disk.read('/foreign/of-root/link'))).toEqual(NOT_FOLLOWED);
  expect(await disk.fault('/foreign/of-root')).toMatch(/^\/foreign .*\b777\b/);
});

test('in a shared directory (/tmp) the symlinks and files of root stay what they are', async () => {
  const { disk, at, write } = await setUp();
  await chmod(at('/foreign'), 0o1777);
  await symlink('/root/secret', at('/foreign/link'));
  await write('/foreign/file', 'x');
  expect((await disk.read('/foreign/link')).toString()).toBe('secret');
  expect(await disk.fault('/foreign/file')).toBeUndefined();
  await chmod(at('/foreign/file'), 0o666);
  expect(await disk.fault('/foreign/file')).toMatch(/\b666\b/);
});

test('what is replaced in a directory of others is the symlink that somebody has put there, not what it leads to', async () => {
  const { disk, at, read } = await setUp();
  await disk.create('/foreign/staged', 'new', {});
  await symlink('/root/secret', at('/foreign/target'));
  await disk.rename('/foreign/staged', '/foreign/target');
  expect([await read('/foreign/target'), await read('/root/secret')]).toEqual(['new', 'secret']);
  await symlink('/root/secret', at('/foreign/link'));
  await disk.remove('/foreign/link');
  expect(await read('/root/secret')).toBe('secret');
});

test('a place stays in the directory that was opened, whatever takes that name', async () => {
  const { root, at, read } = await setUp();
  await mkdir(at('/foreign/certs'));
  await walk(root, '/foreign/certs/new', { last: 'keep', self: process.geteuid?.() ?? 0 }, async (place) => {
    await rename(at('/foreign/certs'), at('/foreign/before'));
    await symlink(at('/root'), at('/foreign/certs'));
    await writeFile(place.at, 'new');
  });
  expect(await read('/foreign/before/new')).toBe('new');
});

test('a directory that is exchanged while it is made hands owner and mode to nothing else', async () => {
  const { root, at } = await setUp();
  await chmod(at('/root'), 0o700);
  // The exchange comes between mkdir(2) and whatever follows it.
  const fs = await import('node:fs/promises');
  const { syncBuiltinESMExports } = await import('node:module');
  const { mkdir: made } = fs.default;
  fs.default.mkdir = new Proxy(made, {
    apply: async (target, self, args: Parameters<typeof made>) => {
      const result = await Reflect.apply(target, self, args);
      await rm(at('/foreign/new'), { recursive: true });
      await symlink(at('/root'), at('/foreign/new'));
      return result;
    },
  });
  syncBuiltinESMExports();
  try {
    const making = createDisk(root).makeDirectory('/foreign/new', { mode: 0o755 });
    expect(await agentErrorOf(making)).toMatchObject({ code: 'disk' });
  } finally {
    fs.default.mkdir = made;
    syncBuiltinESMExports();
  }
  expect((await stat(at('/root'))).mode & 0o777).toBe(0o700);
});

test('a pipe keeps nobody waiting, and a file that fills the memory is not read', async () => {
  const { disk, at } = await setUp();
  await run('mkfifo', [at('/foreign/pipe')]);
  await writeFile(at('/foreign/large'), '');
  await truncate(at('/foreign/large'), 2 ** 40);
  expect(await faultIn(disk.read('/foreign/pipe'))).toEqual({ code: 'disk', reason: 'not-a-file' });
  expect(await faultIn(disk.read('/foreign/large'))).toEqual({ code: 'disk', reason: 'file-too-large' });
});

test('a snapshot is of one file: another one in its place has another identity', async () => {
  const { disk, at, write } = await setUp();
  await write('/foreign/one', 'one', 0o640);
  await write('/foreign/other', 'one', 0o640);
  const before = await disk.snapshot('/foreign/one');
  expect(before).toMatchObject({ info: { mode: 0o640, type: 'file' } });
  expect(before?.content.toString()).toBe('one');
  await link(at('/foreign/one'), at('/foreign/name'));
  expect((await disk.snapshot('/foreign/name'))?.id).toBe(before?.id);
  await rename(at('/foreign/other'), at('/foreign/one'));
  expect((await disk.snapshot('/foreign/one'))?.id).not.toBe(before?.id);
  expect(await disk.snapshot('/foreign/nothing')).toBeUndefined();
});

test('below a root, absolute symlinks and ".." lead nowhere out of it', async () => {
  const { root, at, write } = await setUp();
  await write('/node/etc/file', 'in');
  await symlink('/../../root/secret', at('/node/etc/out'));
  const node = createDisk(join(root, 'node'));
  expect(await node.resolve('/etc/out')).toBe('/root/secret');
  expect(isMissing(await agentErrorOf(node.read('/etc/out')))).toBe(true);
  expect(await readFile(at('/root/secret'), 'utf8')).toBe('secret');
});

test.each([
  ['closed to others', 0o700, 0o700],
  ['for others', 0o550, 0o755],
])('the parents of a directory %s are made like that, whatever the umask', async (_, mode, parents) => {
  for (const umask of [0o077, 0o022, 0o000]) {
    const { disk } = await setUp();
    const before = process.umask(umask);
    try {
      await disk.makeDirectory('/a/b/c', { mode });
    } finally {
      process.umask(before);
    }
    expect(await disk.info('/a/b/c')).toMatchObject({ mode });
    for (const parent of ['/a', '/a/b']) expect(await disk.info(parent)).toMatchObject({ mode: parents });
  }
});
