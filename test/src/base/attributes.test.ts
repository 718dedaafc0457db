import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test, type TestContext } from 'vitest';
import { createDisk } from '../../../src/base/disk.ts';
import { findExtras } from '../../../src/base/attributes.ts';
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
  expect([...(await disk.withExtras(['/old']))]).toEqual(['/old']);
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

test('getfattr is asked once for all files, and is believed', async () => {
  const { write, at, read } = await tempRoot();
  await write(
    '/getfattr',
    `#!/bin/sh
echo "$@" >> ${at('/args')}
printf '# file: /x/b\\nsecurity.selinux\\n\\n# file: /y/c d\\nuser.a\\nsystem.posix_acl_access\\n\\n'
`,
    0o755,
  );
  const find = findExtras(at('/getfattr'));
  expect(await find(['/x/a', '/x/b', '/y/c d', '/user.a'])).toEqual(new Set(['/x/b', '/y/c d']));
  expect(await read('/args')).toBe('--absolute-names --match=- -- /x/a /x/b /y/c d /user.a\n');
  // Whose name it would write in another way cannot be looked for.
  expect(await find(['/x/new\nline'])).toEqual(new Set(['/x/new\nline']));
  expect(await find([])).toEqual(new Set());
});

test.each(['#!/bin/sh\nexit 1\n', undefined])(
  'where nobody can tell, each file may have some',
  async (script) => {
    const { write, at } = await tempRoot();
    if (script !== undefined) await write('/getfattr', script, 0o755);
    expect(await findExtras(at('/getfattr'))(['/a', '/b'])).toEqual(new Set(['/a', '/b']));
  },
);

test('files are asked for where they are below the root, and answered for as paths of the node', async () => {
  const { root, at, write } = await tempRoot();
  await write('/etc/a', '');
  const asked: string[] = [];
  const disk = createDisk(root, async (files) => {
    asked.push(...files);
    return await Promise.resolve(new Set([at('/etc/a')]));
  });
  expect(await disk.withExtras(['/etc/a', '/etc/b'])).toEqual(new Set(['/etc/a']));
  expect(asked).toEqual([at('/etc/a'), at('/etc/b')]);
});
