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

/** What the process that holds the lock waits for, for `agent status`. It lives in /run, and only while something waits. */
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

/** Keeps the record: of several waits side by side, the one that gives up first. */
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
  // One after the other: a file is staged under one name.
  let turn = Promise.resolve();
  return async (id, waiting) => {
    if (waiting) waits.set(id, waiting);
    else waits.delete(id);
    turn = turn.then(write);
    await turn;
  };
}

/** undefined: nothing waits, or the record is of a process that has ended. @param since when the lock was taken */
export async function readWaiting(disk: Disk, since: number): Promise<Waiting | undefined> {
  const record = await readJson(disk, path, Record);
  return record && record.since >= since ? record : undefined;
}
