import { chmod, mkdir, rename, symlink } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { findHook } from '../../../src/hooks/find.ts';
import { agentErrorOf, faultIn } from '../support/outcome-of.ts';
import { type TempRoot, tempRoot } from '../support/temp-root.ts';

const find = async ({ disk }: TempRoot, ...directories: string[]): Promise<string | undefined> =>
  await findHook('salt', directories, disk);

test('takes the first directory that contains the hook, and skips missing directories and dangling links', async () => {
  const root = await tempRoot();
  await root.write('/b/salt', '#!', 0o755);
  await root.write('/c/salt', '#!', 0o755);
  await mkdir(root.at('/a'));
  await symlink('gone', root.at('/a/salt'));
  expect(await find(root, '/none', '/a', '/b', '/c')).toBe('/b/salt');
  expect(await find(root, '/none', '/a')).toBeUndefined();
});

const UNTRUSTED = { code: 'precondition', reason: 'hook-untrusted' };

test('follows a link, and checks its target with all parent directories', async () => {
  const root = await tempRoot();
  await root.write('/opt/tools/hooks/salt', '#!', 0o755);
  await mkdir(root.at('/hooks'));
  await symlink('/opt/tools/hooks/salt', root.at('/hooks/salt'));
  expect(await find(root, '/hooks')).toBe('/hooks/salt');
  await chmod(root.at('/opt/tools'), 0o777);
  const error = await agentErrorOf(find(root, '/hooks'));
  expect(error).toMatchObject(UNTRUSTED);
  expect(error.message).toContain(': /opt/tools ');
  await chmod(root.at('/opt/tools'), 0o755);
  await rename(root.at('/hooks'), root.at('/real'));
  await symlink('/real', root.at('/hooks'));
  expect(await find(root, '/hooks')).toBe('/hooks/salt');
  await chmod(root.at('/real'), 0o775);
  expect(await faultIn(find(root, '/hooks'))).toEqual({ code: 'disk', reason: 'symlink-not-followed' });
});

test('ignores a directory with the name of the hook', async () => {
  const root = await tempRoot();
  await mkdir(root.at('/hooks/salt'), { recursive: true });
  expect(await faultIn(find(root, '/hooks'))).toEqual({
    code: 'precondition',
    reason: 'hook-not-executable',
  });
});
