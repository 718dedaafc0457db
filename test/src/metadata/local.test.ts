import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createDisk } from '../../../src/base/real-disk.ts';
import type { AgentError } from '../../../src/base/errors.ts';
import type { Collected } from '../../../src/metadata/collector.ts';
import { heatLocalCollector, isUnreadable, localCollector } from '../../../src/metadata/local.ts';
import { NEVER } from '../support/clock.ts';
import { tempRoot, type TempRoot } from '../support/temp-root.ts';

const DIRECTORY = '/var/lib/local-data';

const UNTRUSTED = { code: 'bad-metadata', reason: 'untrusted-file' };

const faultsOf = (found: Collected[]): AgentError[] => found.filter(isUnreadable).map(({ fault }) => fault);

async function setUp(): Promise<
  TempRoot & { collect(): Promise<Collected[]>; faults(): Promise<AgentError[]> }
> {
  const temp = await tempRoot();
  await mkdir(temp.at(DIRECTORY), { recursive: true, mode: 0o755 });
  const collector = localCollector(temp.disk, [DIRECTORY, '/nowhere']);
  const collect = async (): Promise<Collected[]> => await collector.collect(NEVER);
  return { ...temp, collect, faults: async () => faultsOf(await collect()) };
}

test('reads the files of a directory in file-name order, without hidden and backup files', async () => {
  const { write, at, collect } = await setUp();
  for (const name of ['b.json', 'a.json', '.c.json', 'd', 'e.json~'])
    await write(`${DIRECTORY}/${name}`, name);
  await mkdir(at(`${DIRECTORY}/c`));
  expect(await collect()).toEqual([
    { source: `${DIRECTORY}/a.json`, text: 'a.json' },
    { source: `${DIRECTORY}/b.json`, text: 'b.json' },
    { source: `${DIRECTORY}/d`, text: 'd' },
  ]);
});

test('merges the files of several directories in file-name order', async () => {
  const { disk, write } = await tempRoot();
  for (const path of ['/one/b', '/two/a', '/two/b', '/one/c']) await write(path, path);
  const found = await localCollector(disk, ['/one', '/two']).collect(NEVER);
  expect(found.map(({ source }) => source)).toEqual(['/two/a', '/one/b', '/two/b', '/one/c']);
});

test('ignores a missing or empty directory', async () => {
  expect(await (await setUp()).collect()).toEqual([]);
});

test.each([
  ['group', 0o660],
  ['everybody', 0o606],
])('does not trust a file that %s can write', async (_, mode) => {
  const { write, faults } = await setUp();
  await write(`${DIRECTORY}/a.json`, '{}', mode);
  expect(await faults()).toMatchObject([UNTRUSTED]);
});

test("does not trust another user's file, or a file in a directory that others can write", async () => {
  const foreign = await setUp();
  await foreign.write(`${DIRECTORY}/a.json`, '{}');
  await chown(foreign.at(`${DIRECTORY}/a.json`), 12_345, 0);
  expect(await foreign.faults()).toMatchObject([UNTRUSTED]);

  const open = await setUp();
  await open.write(`${DIRECTORY}/a.json`, '{}');
  await chown(open.at(DIRECTORY), 12_345, 0);
  expect(await open.faults()).toMatchObject([UNTRUSTED]);
});

test('checks the target of a symlink', async () => {
  const { write, at, faults } = await setUp();
  await write('/elsewhere/x', '{}', 0o666);
  await symlink('/elsewhere/x', at(`${DIRECTORY}/dangling.json`));
  await symlink('../../../elsewhere/x', at(`${DIRECTORY}/a.json`));
  expect(await faults()).toMatchObject([UNTRUSTED, UNTRUSTED]);
});

test('follows a symlink to a trusted file', async () => {
  const { write, at } = await setUp();
  await write('/elsewhere/x', '{}');
  await symlink(at('/elsewhere/x'), at(`${DIRECTORY}/a.json`));
  const collector = localCollector(createDisk('/'), [at(DIRECTORY)]);
  expect(await collector.collect(NEVER)).toMatchObject([{ text: '{}' }]);
  await chown(at('/elsewhere/x'), 12_345, 0);
  expect(faultsOf(await collector.collect(NEVER))).toMatchObject([UNTRUSTED]);
});

test.each([
  ['is not UTF-8', Buffer.from('{"deployments": [{"config": "echo \xff"}]}', 'latin1'), 'not-utf-8'],
  ['is larger than metadata may be', 9 * 1024 * 1024, 'metadata-too-large'],
])('rejects a file that %s, and reads the others', async (_, content, reason) => {
  const { write, at, disk, collect } = await setUp();
  await write(`${DIRECTORY}/a.json`, '');
  if (typeof content === 'number') await truncate(at(`${DIRECTORY}/a.json`), content);
  else await writeFile(at(`${DIRECTORY}/a.json`), content);
  await write(`${DIRECTORY}/b.json`, '{}');
  const found = await collect();
  expect(found.filter(isUnreadable)).toMatchObject([
    { source: `${DIRECTORY}/a.json`, fault: { code: 'bad-metadata', reason } },
  ]);
  expect(found.filter((one) => !isUnreadable(one))).toEqual([{ source: `${DIRECTORY}/b.json`, text: '{}' }]);
  expect(faultsOf(await heatLocalCollector(disk, [`${DIRECTORY}/a.json`]).collect(NEVER))).toHaveLength(1);
});

test('does not block on a pipe', async () => {
  const { write, at, faults } = await setUp();
  await promisify(execFile)('mkfifo', ['-m', '600', at(`${DIRECTORY}/a.json`)]);
  await write(`${DIRECTORY}/b.json`, '{}');
  expect(await faults()).toMatchObject([{ code: 'bad-metadata', reason: 'not-a-file' }]);
});

test('reads all existing cfn-init files, in order', async () => {
  const { disk, write } = await tempRoot();
  const collector = heatLocalCollector(disk, ['/one', '/two', '/three']);
  expect(await collector.collect(NEVER)).toEqual([]);
  await write('/three', '3');
  await write('/two', '2');
  expect(await collector.collect(NEVER)).toEqual([
    { source: '/two', text: '2' },
    { source: '/three', text: '3' },
  ]);
});

test('rejects bad files one by one: the other files and directories still count', async () => {
  const { disk, write, at } = await setUp();
  for (const directory of ['/closed', '/open']) {
    await write(`${directory}/a.json`, 'a', 0o666);
    await mkdir(at(`${directory}/b.json`));
    await write(`${directory}/c.json`, 'c');
  }
  await chmod(at('/closed'), 0o777);
  const found = await localCollector(disk, ['/closed', '/open']).collect(NEVER);
  expect(found.filter((one) => !isUnreadable(one))).toEqual([{ source: '/open/c.json', text: 'c' }]);
  expect(found.filter(isUnreadable)).toMatchObject([
    { source: '/closed', fault: UNTRUSTED },
    { source: '/open/a.json', fault: UNTRUSTED },
    { source: '/open/b.json', fault: { code: 'disk' } },
  ]);
});
