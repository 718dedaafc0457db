import { stat } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { JournalFile } from '../../../src/files/journal.ts';
import { restore } from '../../../src/files/restore.ts';
import { tempRoot } from '../support/temp-root.ts';

const COPY = '/var/lib/coe-agent/generation/previous/x';
const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
const REPLACED: JournalFile = {
  target: '/etc/k/x',
  staged: '/etc/k/.x.coe-agent',
  previous: { copy: COPY, attributes: { mode: 0o640, uid, gid } },
};

async function setUp(target: string | undefined, mode = 0o600) {
  const root = await tempRoot();
  await root.write(COPY, 'old');
  await root.write('/etc/k/other', '');
  if (target !== undefined) await root.write('/etc/k/x', target, mode);
  const inode = async (): Promise<number> => (await stat(root.at('/etc/k/x'))).ino;
  const run = async (file = REPLACED): Promise<void> => {
    await restore(root.disk, file);
  };
  return { ...root, inode, run };
}

test.each([['new'], [undefined]])('restores content and attributes in place of %j', async (target) => {
  const { read, at, run, files } = await setUp(target);
  await run();
  expect(await read('/etc/k/x')).toBe('old');
  expect((await stat(at('/etc/k/x'))).mode & 0o777).toBe(0o640);
  expect(await files('/etc/k')).toEqual(['/etc/k/other', '/etc/k/x']);
});

test('leaves a restored file unchanged the second time', async () => {
  const { inode, run } = await setUp('new');
  await run();
  const before = await inode();
  await run();
  expect(await inode()).toBe(before);
});

test('restores the attributes also if the content is the same', async () => {
  const { at, run } = await setUp('old', 0o644);
  await run();
  expect((await stat(at('/etc/k/x'))).mode & 0o777).toBe(0o640);
});

test('removes a file that did not exist before', async () => {
  const { files, run } = await setUp('new');
  await run({ ...REPLACED, previous: null });
  await run({ ...REPLACED, previous: null });
  expect(await files('/etc/k')).toEqual(['/etc/k/other']);
});

test('removes staged files', async () => {
  const { files, write, run } = await setUp('old', 0o640);
  await write('/etc/k/.x.coe-agent', 'new');
  await run();
  expect(await files('/etc/k')).toEqual(['/etc/k/other', '/etc/k/x']);
});
