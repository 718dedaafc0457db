import { chown, mkdir, symlink } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createDisk } from '../../../src/base/disk.ts';
import { heatLocalCollector, localCollector } from '../../../src/metadata/local.ts';
import { NEVER } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { tempRoot, type TempRoot } from '../support/temp-root.ts';

const DIRECTORY = '/var/lib/local-data';
const self = process.getuid?.() ?? 0;

async function setUp(): Promise<TempRoot & { collect(): Promise<unknown> }> {
  const temp = await tempRoot();
  await mkdir(temp.at(DIRECTORY), { recursive: true, mode: 0o755 });
  const collector = localCollector(temp.disk, [DIRECTORY, '/nowhere'], self);
  return { ...temp, collect: async () => await collector.collect(NEVER) };
}

test('the files of a directory come in the order of their names; others and hidden ones do not count', async () => {
  const { write, collect } = await setUp();
  for (const name of ['b.json', 'a.json', '.c.json', 'd.txt', 'e.json~'])
    await write(`${DIRECTORY}/${name}`, name);
  expect(await collect()).toEqual([
    { source: `${DIRECTORY}/a.json`, text: 'a.json' },
    { source: `${DIRECTORY}/b.json`, text: 'b.json' },
  ]);
});

test('no directory, or none with files, is nothing', async () => {
  expect(await (await setUp()).collect()).toEqual([]);
});

test.each([
  ['group', 0o660],
  ['everybody', 0o606],
])('a file that %s can write is not believed', async (_, mode) => {
  const { write, collect } = await setUp();
  await write(`${DIRECTORY}/a.json`, '{}', mode);
  const error = await agentErrorOf(collect());
  expect(error).toMatchObject({ code: 'bad-metadata' });
  expect(error.message).toContain(`${DIRECTORY}/a.json`);
  expect(error.message).toContain(mode.toString(8));
});

test('nor one of another user, nor one in a directory that others can write', async () => {
  const foreign = await setUp();
  await foreign.write(`${DIRECTORY}/a.json`, '{}');
  await chown(foreign.at(`${DIRECTORY}/a.json`), 12_345, 0);
  expect((await agentErrorOf(foreign.collect())).message).toContain('belongs to user 12345');

  const open = await setUp();
  await open.write(`${DIRECTORY}/a.json`, '{}');
  await chown(open.at(DIRECTORY), 12_345, 0);
  expect((await agentErrorOf(open.collect())).message).toContain('belongs to user 12345');
});

test('of a symlink it is the file that must be trusted', async () => {
  const { write, at, collect } = await setUp();
  await write('/elsewhere/x', '{}', 0o666);
  await symlink('/elsewhere/x', at(`${DIRECTORY}/dangling.json`));
  await symlink('../../../elsewhere/x', at(`${DIRECTORY}/a.json`));
  expect((await agentErrorOf(collect())).message).toContain('can be written by others');
});

test('and a symlink to a file that is trusted is followed', async () => {
  const { write, at } = await setUp();
  await write('/elsewhere/x', '{}');
  await symlink(at('/elsewhere/x'), at(`${DIRECTORY}/a.json`));
  const collector = localCollector(createDisk('/'), [at(DIRECTORY)], self);
  expect(await collector.collect(NEVER)).toMatchObject([{ text: '{}' }]);
  await chown(at('/elsewhere/x'), 12_345, 0);
  expect((await agentErrorOf(collector.collect(NEVER))).message).toContain('belongs to user 12345');
});

test('of several files of cfn-init the first that is there counts', async () => {
  const { disk, write } = await tempRoot();
  const collector = heatLocalCollector(disk, ['/one', '/two', '/three'], self);
  expect(await collector.collect(NEVER)).toEqual([]);
  await write('/three', '3');
  await write('/two', '2');
  expect(await collector.collect(NEVER)).toEqual([{ source: '/two', text: '2' }]);
});
