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

/**
 * Directories that are writable by others according to their mode. test/e2e/other-users.test.ts uses real other users.
 */

const run = promisify(execFile);

/** /foreign is world-writable; /own belongs to the current user. */
async function setUp(): Promise<TempRoot> {
  const temp = await tempRoot();
  await temp.write('/root/secret', 'secret');
  for (const directory of ['/own', '/foreign']) await mkdir(temp.at(directory));
  await chmod(temp.at('/foreign'), 0o777);
  return temp;
}

const NOT_FOLLOWED = { code: 'disk', reason: 'symlink-not-followed' };

test('follows a symlink only where root alone can have created it', async () => {
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

test('does not follow a symlink in the middle of a path, whatever the operation', async () => {
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

test("distrusts root's directory below another user's directory", async () => {
  const { disk, at } = await setUp();
  await mkdir(at('/foreign/of-root'));
  await symlink('/root/secret', at('/foreign/of-root/link'));
  expect(await faultIn(disk.read('/foreign/of-root/link'))).toEqual(NOT_FOLLOWED);
  expect(await disk.fault('/foreign/of-root')).toMatch(/^\/foreign .*\b777\b/);
});

test("trusts root's symlinks and files in a shared sticky directory such as /tmp", async () => {
  const { disk, at, write } = await setUp();
  await chmod(at('/foreign'), 0o1777);
  await symlink('/root/secret', at('/foreign/link'));
  await write('/foreign/file', 'x');
  expect((await disk.read('/foreign/link')).toString()).toBe('secret');
  expect(await disk.fault('/foreign/file')).toBeUndefined();
  await chmod(at('/foreign/file'), 0o666);
  expect(await disk.fault('/foreign/file')).toMatch(/\b666\b/);
});

test("replaces a planted symlink in another user's directory, not its target", async () => {
  const { disk, at, read } = await setUp();
  await disk.create('/foreign/staged', 'new', {});
  await symlink('/root/secret', at('/foreign/target'));
  await disk.rename('/foreign/staged', '/foreign/target');
  expect([await read('/foreign/target'), await read('/root/secret')]).toEqual(['new', 'secret']);
  await symlink('/root/secret', at('/foreign/link'));
  await disk.remove('/foreign/link');
  expect(await read('/root/secret')).toBe('secret');
});

test('stays in the opened directory when another takes its name', async () => {
  const { root, at, read } = await setUp();
  await mkdir(at('/foreign/certs'));
  await walk(root, '/foreign/certs/new', { last: 'keep', self: process.geteuid?.() ?? 0 }, async (place) => {
    await rename(at('/foreign/certs'), at('/foreign/before'));
    await symlink(at('/root'), at('/foreign/certs'));
    await writeFile(place.at, 'new');
  });
  expect(await read('/foreign/before/new')).toBe('new');
});

test('changes owner and mode of nothing else when a directory is exchanged while being made', async () => {
  const { root, at } = await setUp();
  await chmod(at('/root'), 0o700);
  // The exchange happens between mkdir(2) and the next call.
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

test('neither blocks on a pipe nor reads a file larger than memory', async () => {
  const { disk, at } = await setUp();
  await run('mkfifo', [at('/foreign/pipe')]);
  await writeFile(at('/foreign/large'), '');
  await truncate(at('/foreign/large'), 2 ** 40);
  expect(await faultIn(disk.read('/foreign/pipe'))).toEqual({ code: 'disk', reason: 'not-a-file' });
  expect(await faultIn(disk.read('/foreign/large'))).toEqual({ code: 'disk', reason: 'file-too-large' });
});

test('gives a snapshot the identity of its file: a replacement has another', async () => {
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

test('confines absolute symlinks and ".." to the root', async () => {
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
])('makes the parents of a directory %s with matching mode, whatever the umask', async (_, mode, parents) => {
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
