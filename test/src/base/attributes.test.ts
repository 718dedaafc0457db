import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test, type TestContext } from 'vitest';
import { copyAttributes } from '../../../src/base/attributes.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { tempRoot } from '../support/temp-root.ts';

const run = promisify(execFile);

/** Extended attributes by way of Python, which knows them where setfattr is not installed. */
const python = async (script: string, ...args: string[]): Promise<string> =>
  (await run('python3', ['-c', `import os, sys\n${script}`, ...args])).stdout.trim();

const mark = async (file: string, value: string): Promise<string> =>
  await python('os.setxattr(sys.argv[1], "user.made-by", sys.argv[2].encode())', file, value);

const markOf = async (file: string): Promise<string> =>
  await python('print(os.getxattr(sys.argv[1], "user.made-by").decode())', file);

/** Whether this machine, and the file system of its temporary folders, can be tested with. */
async function skipUnless(works: Promise<unknown>, { skip }: TestContext): Promise<void> {
  await works.catch(() => {
    skip('no extended attributes here, or no python3');
  });
}

test('extended attributes go over to the new file like mode and owner', async (context) => {
  const { disk, write, at } = await tempRoot();
  await write('/old', 'x', 0o640);
  await skipUnless(mark(at('/old'), 'somebody'), context);
  await disk.create('/new', 'content', { mode: 0o600, uid: 0, gid: 0, like: '/old' });
  expect(await markOf(at('/new'))).toBe('somebody');
  expect(await disk.info('/new')).toMatchObject({ mode: 0o600 });
  expect((await disk.read('/new')).toString()).toBe('content');
});

test('they do so when the file to copy from can be written by nobody', async (context) => {
  const { disk, write, at } = await tempRoot();
  await write('/old', 'x', 0o640);
  await skipUnless(mark(at('/old'), 'somebody'), context);
  await disk.create('/new', 'content', { mode: 0o400, like: '/old' });
  expect(await markOf(at('/new'))).toBe('somebody');
  expect(await disk.info('/new')).toMatchObject({ mode: 0o400 });
});

test('what is there already is not set again, and what is no file has none', async (context) => {
  const { disk, write, at } = await tempRoot();
  await write('/old', 'x');
  await skipUnless(mark(at('/old'), 'somebody'), context);
  await write('/new', 'y');
  await mark(at('/new'), 'somebody');
  await copyAttributes(at('/old'), at('/new'));
  await copyAttributes(at('/nothing'), at('/new'));
  expect(await markOf(at('/new'))).toBe('somebody');
  await disk.create('/fresh', 'content', { mode: 0o600, like: '/nothing' });
  expect(await disk.info('/fresh')).toMatchObject({ mode: 0o600 });
});

test('a label goes over too; one that cannot be set counts where the kernel goes by labels', async (context) => {
  const { write, at } = await tempRoot();
  await write('/old', 'x');
  await write('/new', 'y');
  const label = 'system_u:object_r:cert_t:s0';
  // Without SELinux the kernel keeps a label for whoever may set one (root), and does not look at it.
  await skipUnless(
    python('os.setxattr(sys.argv[1], "security.selinux", sys.argv[2].encode())', at('/old'), label),
    context,
  );
  await copyAttributes(at('/old'), at('/new'));
  expect(await python('print(os.getxattr(sys.argv[1], "security.selinux").decode())', at('/new'))).toBe(
    label,
  );
  await expect(copyAttributes(at('/old'), at('/nowhere/new'), true)).rejects.toThrow('security.selinux');
  await copyAttributes(at('/old'), at('/nowhere/new'), false);
});

test('what a program may do is not handed on: the new content is another one', async (context) => {
  const { write, at } = await tempRoot();
  await write('/old', 'x');
  await write('/new', 'y');
  // CAP_NET_RAW, permitted and effective, as setcap(8) writes it.
  const capability = '0100000200200000000000000000000000000000';
  const set = 'os.setxattr(sys.argv[1], "security.capability", bytes.fromhex(sys.argv[2]))';
  await skipUnless(python(set, at('/old'), capability), context);
  await copyAttributes(at('/old'), at('/new'));
  expect(await python('print(os.listxattr(sys.argv[1]))', at('/new'))).toBe('[]');
});

test('one that cannot be set is named, and there is no half-made file', async (context) => {
  const { disk, write, at } = await tempRoot();
  await write('/old', 'x');
  await skipUnless(mark(at('/old'), 'somebody'), context);
  // Only files and directories have user attributes (xattr(7)).
  await run('mkfifo', [at('/pipe')]);
  expect(await agentErrorOf(copyAttributes(at('/old'), at('/pipe')))).toMatchObject({
    code: 'disk',
    reason: 'attribute-not-copied',
  });
  await expect(copyAttributes(at('/old'), at('/nowhere/new'))).rejects.toThrow('user.made-by');
  expect(await disk.list('/')).toEqual(['old', 'pipe']);
});
