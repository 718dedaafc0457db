import { chmod, mkdir, readdir, readFile, rename, symlink } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { errnoOf } from '../../../src/base/errors.ts';
import { type Place, walk } from '../../../src/base/walk.ts';
import { faultIn } from '../support/outcome-of.ts';
import { type TempRoot, tempRoot } from '../support/temp-root.ts';

/** Makes a root with one file and the given symlinks, each with its target. */
async function rootWith(links: Readonly<Record<string, string>> = {}): Promise<TempRoot> {
  const temp = await tempRoot();
  await temp.write('/etc/file', 'in the root');
  await mkdir(temp.at('/a/b'), { recursive: true });
  for (const [path, target] of Object.entries(links)) await symlink(target, temp.at(path));
  return temp;
}

const self = process.geteuid?.() ?? 0;

const place = async (
  { root }: TempRoot,
  path: string,
  last: 'follow' | 'keep' = 'follow',
): Promise<Pick<Place, 'path' | 'names' | 'fault'>> =>
  await walk(root, path, { last, self }, async (found) => await Promise.resolve(found));

const openFiles = async (): Promise<number> => (await readdir('/proc/self/fd')).length;

describe('a path stays below the root', () => {
  test.each([
    ['/etc/file', '/etc/file'],
    ['//etc/./file', '/etc/file'],
    ['/../../etc/file', '/etc/file'],
    ['/a/b/../../etc/file', '/etc/file'],
    ['/a/absolute', '/etc/file'],
    ['/a/b/relative', '/etc/file'],
    ['/a/out', '/etc/file'],
    ['/a/b/directory/file', '/etc/file'],
    ['/a/new', '/a/new'],
    ['/a/b/../new', '/a/new'],
    ['/', '/'],
  ])('resolves %s to %s', async (path, leadsTo) => {
    const links = {
      '/a/absolute': '/etc/file',
      '/a/b/relative': '../../etc/file',
      '/a/out': '../../../../../../etc/file',
      '/a/b/directory': '/etc',
    };
    expect(await place(await rootWith(links), path)).toMatchObject({ path: leadsTo, fault: undefined });
  });

  test('resolves names below a missing directory literally', async () => {
    const temp = await rootWith();
    expect(await place(temp, '/no/such/name')).toMatchObject({
      path: '/no/such/name',
      names: ['no', 'such', 'name'],
    });
    expect(await place(temp, '/a/gone/../new')).toMatchObject({ path: '/a/new', names: ['new'] });
    expect(await place(temp, '/a/gone/../../etc/file')).toMatchObject({ path: '/etc/file', names: ['file'] });
  });
});

test('keeps a symlink in the last part on request, and follows earlier ones', async () => {
  const temp = await rootWith({ '/a/link': '/etc/file', '/a/b/directory': '/a' });
  expect((await place(temp, '/a/link', 'keep')).path).toBe('/a/link');
  expect((await place(temp, '/a/b/directory/link', 'keep')).path).toBe('/a/link');
});

test.each([
  ['/a/loop', 'ELOOP'],
  ['/etc/file/x', 'ENOTDIR'],
])('fails for %s with %s, and leaves no directory open', async (path, errno) => {
  const temp = await rootWith({ '/a/loop': 'loop' });
  const before = await openFiles();
  const error: unknown = await place(temp, path).catch((cause: unknown) => cause);
  expect(errnoOf(error)).toBe(errno);
  expect(await openFiles()).toBe(before);
});

test('follows as many symlinks as the kernel: 40', async () => {
  const chain = Array.from({ length: 41 }, (_, index): [string, string] => [
    `/a/${index + 1}`,
    index === 0 ? '/etc/file' : `${index}`,
  ]);
  const temp = await rootWith(Object.fromEntries(chain));
  expect((await place(temp, '/a/40')).path).toBe('/etc/file');
  expect(errnoOf(await place(temp, '/a/41').catch((cause: unknown) => cause))).toBe('ELOOP');
});

describe('a directory that others can write', () => {
  test('taints everything below it', async () => {
    const temp = await rootWith();
    await chmod(temp.at('/a'), 0o777);
    expect((await place(temp, '/a/b/new')).fault).toMatch(/^\/a can be written by others/);
    expect((await place(temp, '/etc/file')).fault).toBeUndefined();
  });

  test('has no trusted symlinks', async () => {
    const temp = await rootWith({ '/a/b/link': '/etc/file' });
    await chmod(temp.at('/a/b'), 0o777);
    expect(await faultIn(place(temp, '/a/b/link'))).toEqual({ code: 'disk', reason: 'symlink-not-followed' });
  });

  test('trusts the names of their owners if it is sticky', async () => {
    const temp = await rootWith({ '/a/link': '/etc/file' });
    await chmod(temp.at('/a'), 0o1777);
    expect(await place(temp, '/a/link')).toMatchObject({ path: '/etc/file', fault: undefined });
    // Any user may create it meanwhile.
    expect((await place(temp, '/a/new')).fault).toBe('/a is writable by everyone');
  });
});

test('stays at its place when a directory above is exchanged', async () => {
  const temp = await rootWith();
  await temp.write('/other/file', 'elsewhere');
  const text = await walk(temp.root, '/etc/file', { last: 'follow', self }, async ({ at }) => {
    await rename(temp.at('/etc'), temp.at('/former'));
    await symlink('/other', temp.at('/etc'));
    return await readFile(at, 'utf8');
  });
  expect(text).toBe('in the root');
});
