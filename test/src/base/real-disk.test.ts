import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, symlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { isMissing, readIfThere } from '../../../src/base/disk.ts';
import { replaceFile } from '../../../src/base/replace-file.ts';
import { errnoOf } from '../../../src/base/errors.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { tempRoot } from '../support/temp-root.ts';

test('creates a file with its attributes, and never over an existing file', async () => {
  const { disk, read, at } = await tempRoot();
  await disk.create('/a', 'one', { mode: 0o440, uid: 0, gid: 12 });
  expect(await disk.info('/a')).toEqual({ type: 'file', size: 3, mode: 0o440, uid: 0, gid: 12 });
  expect(errnoOf(await agentErrorOf(disk.create('/a', 'two', {})))).toBe('EEXIST');
  await symlink('/nowhere', at('/link'));
  expect((await agentErrorOf(disk.create('/link', 'two', {}))).code).toBe('disk');
  expect(await read('/a')).toBe('one');
  await disk.create('/default', '', {});
  expect(await disk.info('/default')).toMatchObject({ mode: 0o600 });
});

test('sets modes narrower or wider than the umask of the calling process', async () => {
  const { disk } = await tempRoot();
  const before = process.umask(0o077);
  try {
    await disk.create('/wide', '', { mode: 0o644 });
    await disk.makeDirectory('/d', { mode: 0o755 });
  } finally {
    process.umask(before);
  }
  expect(await disk.info('/wide')).toMatchObject({ mode: 0o644 });
  expect(await disk.info('/d')).toMatchObject({ mode: 0o755 });
});

test('treats a missing file as undefined, an empty list or nothing to remove; reading it is an error', async () => {
  const { disk } = await tempRoot();
  expect(await disk.info('/x')).toBeUndefined();
  expect(await disk.list('/x')).toEqual([]);
  await disk.remove('/x');
  expect(await readIfThere(disk, '/x')).toBeUndefined();
  const error = await agentErrorOf(disk.read('/x'));
  expect(isMissing(error)).toBe(true);
  expect(error).toMatchObject({ code: 'disk', message: expect.stringContaining(' /x: ') as unknown });
});

test('resolves a symlink in the last part within the root', async () => {
  const { disk, write, at } = await tempRoot();
  await write('/etc/target', 'x');
  await mkdir(at('/a/b'), { recursive: true });
  for (const [from, to] of [
    ['/a/absolute', '/etc/target'],
    ['/a/b/relative', '../../etc/target'],
    ['/a/twice', 'b/relative'],
    ['/a/out', '../../../../etc/target'],
    ['/a/dangling', '/etc/nothing'],
  ] as const)
    await symlink(to, at(from));
  for (const path of ['/a/absolute', '/a/b/relative', '/a/twice', '/a/out', '/etc/target'])
    expect([path, await disk.resolve(path)]).toEqual([path, '/etc/target']);
  expect(await disk.resolve('/a/dangling')).toBe('/etc/nothing');
  expect(await disk.info('/a/out')).toMatchObject({ type: 'symlink' });
});

test('confines every operation through a symlink in the middle of a path to the root', async () => {
  const { disk, read, write, at, files } = await tempRoot();
  await write('/opt/k8s/certs/ca.crt', 'old', 0o640);
  await mkdir(at('/etc'));
  // Outside of the root, the symlink's target does not exist.
  await symlink('/opt/k8s', at('/etc/kubernetes'));
  await symlink('../../../../../opt/k8s/certs', at('/etc/above'));
  await symlink('../certs/ca.crt', at('/opt/k8s/link.crt'));
  const path = '/etc/kubernetes/certs/ca.crt';
  expect(await disk.resolve(path)).toBe('/opt/k8s/certs/ca.crt');
  expect(await disk.resolve('/etc/kubernetes/link.crt')).toBe('/opt/certs/ca.crt');
  expect(await disk.resolve('/etc/kubernetes/no/such/file')).toBe('/opt/k8s/no/such/file');
  expect(await disk.resolve('/etc/kubernetes/../x')).toBe('/opt/x');
  expect(await disk.info(path)).toMatchObject({ type: 'file', mode: 0o640 });
  expect((await disk.read(path)).toString()).toBe('old');
  expect(await disk.list('/etc/kubernetes/certs')).toEqual(['ca.crt']);
  expect(await disk.list('/etc/above')).toEqual(['ca.crt']);
  expect((await disk.room('/etc/kubernetes/later')).writable).toBe(true);

  await replaceFile(disk, path, 'new', {});
  await disk.makeDirectory('/etc/kubernetes/made/deep', {});
  await disk.create('/etc/above/fresh', 'fresh', { like: path });
  await disk.rename('/etc/above/fresh', '/etc/kubernetes/made/deep/fresh');
  expect(await read('/opt/k8s/certs/ca.crt')).toBe('new');
  expect(await files()).toEqual([
    '/etc/above',
    '/etc/kubernetes',
    '/opt/k8s/certs/ca.crt',
    '/opt/k8s/link.crt',
    '/opt/k8s/made/deep/fresh',
  ]);
  await disk.remove('/etc/kubernetes/made/deep/fresh');
  await disk.remove('/etc/above');
  expect(await disk.list('/etc')).toEqual(['kubernetes']);
});

test('rejects a symlink loop', async () => {
  const { disk, at } = await tempRoot();
  await symlink('/loop', at('/loop'));
  expect(errnoOf(await agentErrorOf(disk.resolve('/loop')))).toBe('ELOOP');
});

test('reports free space, also for a directory that does not exist yet', async () => {
  const { disk, at } = await tempRoot();
  const room = await disk.room('/not/there/yet');
  expect(room.bytes).toBeGreaterThan(0);
  expect(room.inodes).toBeGreaterThan(0);
  expect(room.writable).toBe(true);
  expect(await readdir(at('/'))).toEqual([]);
  await chmod(at('/'), 0o700);
});

test('reports an immutable file as sealed, but not a read-only one', async ({ skip }) => {
  const { disk, write, at } = await tempRoot();
  await write('/file', 'x', 0o400);
  expect(await disk.sealed('/file')).toBe(false);
  expect(await disk.sealed('/none')).toBe(false);
  const chattr = promisify(execFile);
  await chattr('chattr', ['+i', at('/file')]).catch(() => {
    skip('no immutable files here, or not root');
  });
  try {
    expect(await disk.sealed('/file')).toBe(true);
  } finally {
    await chattr('chattr', ['-i', at('/file')]);
  }
});

test('reports why a mount point cannot be replaced', async ({ skip }) => {
  const { disk, write, at } = await tempRoot();
  await write('/file', 'old');
  await write('/other', 'mounted');
  await write('/new', 'new');
  const run = promisify(execFile);
  await run('mount', ['--bind', at('/other'), at('/file')]).catch(() => {
    skip('nothing can be mounted here (not root?)');
  });
  try {
    expect(errnoOf(await agentErrorOf(disk.rename('/new', '/file')))).toBe('EBUSY');
  } finally {
    await run('umount', [at('/file')]);
  }
});
