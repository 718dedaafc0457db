import { expect, test } from 'vitest';
import { createKeptGenerations, filesBefore } from '../../../src/files/kept.ts';
import { codeOf, reasonOf } from '../../../src/base/errors.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { tempRoot } from '../support/temp-root.ts';

const DIRECTORY = '/state/kept';
const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const generation = (
  runId: string,
  at = AT,
  content = 'a key',
): Parameters<ReturnType<typeof createKeptGenerations>['keep']>[0] => ({
  runId,
  at,
  files: [{ path: '/etc/k/key', content: Buffer.from(content), mode: 0o440 }],
});

test('generations are listed by their time, the newest first, for root alone', async () => {
  const { disk, files } = await tempRoot();
  const kept = createKeptGenerations(disk, DIRECTORY);
  expect(await kept.list()).toEqual([]);
  expect(await kept.keep(generation('first'))).toBe('20260102T030405006Z');
  await kept.keep(generation('second', AT + 1));
  expect(await kept.list()).toEqual([
    { id: '20260102T030405007Z', ...generation('second', AT + 1) },
    { id: '20260102T030405006Z', ...generation('first') },
  ]);
  expect([await kept.has(AT), await kept.has(AT + 2)]).toEqual([true, false]);
  expect(await disk.info(DIRECTORY)).toMatchObject({ mode: 0o700 });
  for (const path of await files(DIRECTORY)) expect(await disk.info(path)).toMatchObject({ mode: 0o600 });
});

test('a damaged one is left out, and goes with those that are not to stay', async () => {
  const { disk, write, files } = await tempRoot();
  const kept = createKeptGenerations(disk, DIRECTORY);
  const id = await kept.keep(generation('first'));
  await write(`${DIRECTORY}/20270101T000000000Z.json`, 'half');
  await write(`${DIRECTORY}/.20270101T000000000Z.json.new`, 'half');
  expect(await kept.list()).toHaveLength(1);
  await kept.removeAllBut([id]);
  expect(await files(DIRECTORY)).toEqual([`${DIRECTORY}/${id}.json`]);
  await kept.removeAllBut([]);
  expect(await files(DIRECTORY)).toEqual([]);
});

test('one that is too large is refused', async () => {
  const { disk, files } = await tempRoot();
  const kept = createKeptGenerations(disk, DIRECTORY);
  const error = await agentErrorOf(kept.keep(generation('large', AT, 'x'.repeat(4 * 1024 * 1024 + 1))));
  expect([codeOf(error), reasonOf(error)]).toEqual(['disk', 'too-large']);
  expect(await files()).toEqual([]);
});

test('the files of before are the kept copies and what has stayed, each once, and not what was not there', async () => {
  const { disk, write } = await tempRoot();
  await write('/state/previous/a', 'old');
  await write('/etc/k/a', 'new');
  await write('/etc/k/b', 'same');
  await write('/etc/k/c', 'new here');
  const attributes = { mode: 0o640, uid: 1, gid: 1 };
  const journal = {
    files: [
      { target: '/etc/k/a', staged: '/etc/k/.a', previous: { copy: '/state/previous/a', attributes } },
      { target: '/etc/k/c', staged: '/etc/k/.c', previous: null },
    ],
  };
  const paths = ['/etc/k/a', '/etc/k/b', '/etc/k/c', '/etc/k/none', '/etc/k/a'];
  const files = await filesBefore(journal, paths, disk);
  expect(files.map(({ path, content }) => [path, content.toString()])).toEqual([
    ['/etc/k/a', 'old'],
    ['/etc/k/b', 'same'],
  ]);
  expect(files[0]?.mode).toBe(0o640);
  await disk.remove('/state/previous/a');
  expect(codeOf(await agentErrorOf(filesBefore(journal, paths, disk)))).toBe('disk');
});
