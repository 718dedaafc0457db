import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, onTestFinished, test, type TestContext, vi } from 'vitest';
import { copyAttributes } from '../../../src/base/attributes.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { tempRoot } from '../support/temp-root.ts';

const run = promisify(execFile);

/** Runs Python to set and read extended attributes, because setfattr may not be installed. */
const python = async (script: string, ...args: string[]): Promise<string> =>
  (await run('python3', ['-c', `import os, sys\n${script}`, ...args])).stdout.trim();

const mark = async (file: string, value: string): Promise<string> =>
  await python('os.setxattr(sys.argv[1], "user.made-by", sys.argv[2].encode())', file, value);

const markOf = async (file: string): Promise<string> =>
  await python('print(os.getxattr(sys.argv[1], "user.made-by").decode())', file);

/** Skips the test if this machine or the file system of its temporary folder lacks the feature. */
async function skipUnless(works: Promise<unknown>, { skip }: TestContext): Promise<void> {
  await works.catch(() => {
    skip('no extended attributes here, or no python3');
  });
}

test('copies extended attributes to the new file, like mode and owner', async (context) => {
  const { disk, write, at } = await tempRoot();
  await write('/old', 'x', 0o640);
  await skipUnless(mark(at('/old'), 'somebody'), context);
  await disk.create('/new', 'content', { mode: 0o600, uid: 0, gid: 0, like: '/old' });
  expect(await markOf(at('/new'))).toBe('somebody');
  expect(await disk.info('/new')).toMatchObject({ mode: 0o600 });
  expect((await disk.read('/new')).toString()).toBe('content');
});

test('copies extended attributes also to a read-only file', async (context) => {
  const { disk, write, at } = await tempRoot();
  await write('/old', 'x', 0o640);
  await skipUnless(mark(at('/old'), 'somebody'), context);
  await disk.create('/new', 'content', { mode: 0o400, like: '/old' });
  expect(await markOf(at('/new'))).toBe('somebody');
  expect(await disk.info('/new')).toMatchObject({ mode: 0o400 });
});

test('leaves existing attributes unchanged, and copies none from a missing file', async (context) => {
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

test('copies the SELinux label; a label that cannot be set is an error only if the kernel enforces labels', async (context) => {
  const { write, at } = await tempRoot();
  await write('/old', 'x');
  await write('/new', 'y');
  const label = 'system_u:object_r:cert_t:s0';
  // Without SELinux the kernel stores a label set by root, but does not evaluate it.
  await skipUnless(
    python('os.setxattr(sys.argv[1], "security.selinux", sys.argv[2].encode())', at('/old'), label),
    context,
  );
  await copyAttributes(at('/old'), at('/new'));
  expect(await python('print(os.getxattr(sys.argv[1], "security.selinux").decode())', at('/new'))).toBe(
    label,
  );
  expect(await agentErrorOf(copyAttributes(at('/old'), at('/nowhere/new'), true))).toMatchObject({
    reason: 'attribute-not-copied',
  });
  await copyAttributes(at('/old'), at('/nowhere/new'), false);
});

test('does not copy file capabilities, because the new content is a different program', async (context) => {
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

test('reports an attribute that cannot be set, and leaves no partial file', async (context) => {
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

test('creates no file without the C library, and reports the reason', async () => {
  vi.resetModules();
  vi.doMock('node:ffi', () => ({
    dlopen: () => {
      throw new Error('libc.so.6: cannot open shared object file');
    },
  }));
  onTestFinished(() => {
    vi.doUnmock('node:ffi');
    vi.resetModules();
  });
  const { createDisk } = await import('../../../src/base/real-disk.ts');
  const { write, root } = await tempRoot();
  await write('/old', 'x');
  const disk = createDisk(root);
  expect(
    await disk.create('/new', 'content', { like: '/old' }).catch((error: unknown) => error),
  ).toMatchObject({
    code: 'disk',
    cause: { reason: 'no-libc' },
  });
  expect(await disk.list('/')).toEqual(['old']);
});
