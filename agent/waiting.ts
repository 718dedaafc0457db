import { join } from 'node:path';
import * as v from 'valibot';
import type { Disk } from '../src/base/disk.ts';
import { explain } from '../src/base/errors.ts';
import { readJson } from '../src/base/read-json.ts';
import { replaceFile } from '../src/base/replace-file.ts';
import type { OnWait, Waiting } from '../src/base/retry.ts';
import type { Secrets } from '../src/base/secrets.ts';
import type { Log } from './events.ts';
import { RUNTIME } from './paths.ts';

/**
 * The wait of the process that holds the lock, for `agent status`. The file is in /run and exists only during a wait.
 */
const path = join(RUNTIME, 'waiting.json');

const Record = v.object({
  what: v.string(),
  whatCode: v.optional(v.string()),
  of: v.optional(v.string()),
  why: v.string(),
  code: v.optional(v.string()),
  reason: v.optional(v.string()),
  since: v.number(),
  until: v.number(),
});

/** Records waits. If there are several, records the one that gives up first. */
export function createWaitingRecord(hands: { disk: Disk; secrets: Secrets; log: Log }): OnWait {
  const { disk, secrets, log } = hands;
  const waits = new Map<symbol, Waiting>();
  const write = async (): Promise<void> => {
    const [first] = [...waits.values()].toSorted((a, b) => a.until - b.until);
    try {
      if (!first) {
        await disk.remove(path);
        return;
      }
      await disk.makeDirectory(RUNTIME, { mode: 0o755 });
      await replaceFile(disk, path, JSON.stringify(secrets.redactWithin(first)), { mode: 0o600 });
    } catch (error) {
      log('waiting-unwritten', { why: explain(error) });
    }
  };
  // Write one after the other, because the staged file has a fixed name.
  let turn = Promise.resolve();
  return async (id, waiting) => {
    if (waiting) waits.set(id, waiting);
    else waits.delete(id);
    turn = turn.then(write);
    await turn;
  };
}

/**
 * Reads the record; undefined: nothing waits, or it belongs to a process that has ended.
 *
 * @param since when the lock was taken
 */
export async function readWaiting(disk: Disk, since: number): Promise<Waiting | undefined> {
  const record = await readJson(disk, path, Record);
  return record && record.since >= since ? record : undefined;
}
