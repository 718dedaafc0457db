import { join } from 'node:path';
import * as v from 'valibot';
import type { Disk } from '../../src/base/disk.ts';
import { codeOf, explain } from '../../src/base/errors.ts';
import { readJson } from '../../src/base/read-json.ts';
import { replaceFile } from '../../src/base/replace-file.ts';
import type { Hands } from '../hands.ts';
import { RUNTIME } from '../paths.ts';

/** Records for `agent status` that this master holds its turn. The file is in /run and exists only during the turn. */
const path = join(RUNTIME, 'turn.json');

/** `since`: milliseconds since the epoch. */
const Record = v.object({ since: v.number() });

/** Runs `work` while the record exists. If the record cannot be written, runs it without. */
export async function whileRecorded<T>(hands: Hands, work: () => Promise<T>): Promise<T> {
  const { disk, clock } = hands;
  await orLog(hands, async () => {
    await disk.makeDirectory(RUNTIME, { mode: 0o755 });
    await replaceFile(disk, path, JSON.stringify({ since: clock.now() }), { mode: 0o600 });
  });
  try {
    return await work();
  } finally {
    await orLog(hands, async () => {
      await disk.remove(path);
    });
  }
}

async function orLog({ log }: Pick<Hands, 'log'>, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    log('turn-unrecorded', { why: explain(error) });
  }
}

/**
 * Returns since when this master holds its turn.
 *
 * @param since when the lock was taken; an older record belongs to a process that has ended
 */
export async function readHeldTurn(disk: Disk, since: number): Promise<number | undefined> {
  const record = await readJson(disk, path, Record);
  return record && record.since >= since ? record.since : undefined;
}
