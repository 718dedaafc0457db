import { expect, test } from 'vitest';
import { readUpkeep, UPKEEP, writeUpkeep } from '../../../agent/upkeep/record.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

const EMPTY = { differences: [], served: {} };

test('is empty on a new node, and persists what the last look has written', async () => {
  const { disk, write } = await tempRoot();
  expect(await readUpkeep({ disk })).toEqual(EMPTY);
  await write(UPKEEP, '');
  const record = {
    ...EMPTY,
    served: { etcd: 'ab' },
    login: { since: 1, triedAt: 2, refusals: 3, why: 'the trust is gone', roles: ['member'] },
    renewal: { startedAt: 4, starts: 1 },
  };
  await writeUpkeep({ disk }, record);
  expect(await readUpkeep({ disk })).toEqual(record);
});

test('is empty if it is damaged or has another format: the next look writes it again', async () => {
  const { disk, read, write } = await tempRoot();
  await write(UPKEEP, '');
  await writeUpkeep({ disk }, { ...EMPTY, lookedAt: 1 });
  await write(UPKEEP, (await read(UPKEEP)).replace('"lookedAt":1', '"lookedAt":2'));
  expect(await readUpkeep({ disk })).toEqual(EMPTY);
  await writeUpkeep({ disk }, { ...EMPTY, differences: [], served: { etcd: undefined } });
  expect(await readUpkeep({ disk })).toEqual(EMPTY);
});

test('does not hide a disk that cannot be read', async () => {
  const { disk } = await tempRoot();
  await disk.makeDirectory(UPKEEP, { mode: 0o700 });
  await expect(readUpkeep({ disk })).rejects.toMatchObject({ code: 'disk' });
});
