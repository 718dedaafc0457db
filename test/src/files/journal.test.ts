import { expect, test } from 'vitest';
import { writeRecord } from '../../../src/base/record.ts';
import { readJournal, writeJournal } from '../../../src/files/journal.ts';
import { tempRoot } from '../support/temp-root.ts';

const PATH = '/journal';
const FILE = { target: '/etc/certs/ca.crt', staged: '/etc/certs/.ca.crt.new', previous: null };

test("reads an earlier version's journal, and writes it with the current names", async () => {
  const { disk } = await tempRoot();
  const over = { owner: 'stuck-one', files: [FILE], rest: 'its record' };
  const written = { version: 1, owner: 'd1', state: 'committing', files: [FILE], rest: 'a record', over };
  await writeRecord(disk, PATH, written);
  const journal = await readJournal(disk, PATH);
  expect(journal).toEqual({
    version: 1,
    runId: 'd1',
    state: 'committing',
    files: [FILE],
    run: 'a record',
    over: { runId: 'stuck-one', files: [FILE], run: 'its record' },
  });
  if (journal) await writeJournal(disk, PATH, journal);
  expect(await readJournal(disk, PATH)).toEqual(journal);
});

test.each([
  ['no run', { version: 1, state: 'committing', files: [], run: {} }],
  ['another version', { version: 2, runId: 'd1', state: 'committing', files: [], run: {} }],
  ['an unknown state', { version: 1, runId: 'd1', state: 'done', files: [], run: {} }],
  ['a list in place of the record', []],
])('rejects a record with %s', async (_, record) => {
  const { disk } = await tempRoot();
  await writeRecord(disk, PATH, record);
  await expect(readJournal(disk, PATH)).rejects.toMatchObject({ code: 'state' });
});
