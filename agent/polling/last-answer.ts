import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import { codeOf, explain } from '../../src/base/errors.ts';
import { readRecordOf, writeRecord } from '../../src/base/record.ts';
import type { Disk } from '../../src/base/disk.ts';
import type { Log } from '../events.ts';
import { STATE } from '../paths.ts';

/**
 * The last complete answer of the cloud, as a digest because the metadata contains passwords. If the same answer
 * returns, even after an outage or a restart, the node does not poll faster.
 */
const Kept = v.object({ sha256: v.string() });

const PATH = join(STATE, 'last-answer.json');

/** Returns the digest. @param answer the data of all collectors as one string */
export const digestOf = (answer: string): string => createHash('sha256').update(answer).digest('hex');

/** Whether a complete answer differs from the last one. Records it as the last one. */
export function isNews(answer: string, memory: { lastAnswer: string | undefined }): boolean {
  const before = memory.lastAnswer;
  memory.lastAnswer = digestOf(answer);
  return memory.lastAnswer !== before;
}

/** Reads the record; undefined: unknown. A damaged record counts as missing. */
export async function readLastAnswer({ disk }: { disk: Disk }): Promise<string | undefined> {
  const record = await readRecordOf(disk, PATH, Kept).catch((error: unknown) => {
    if (codeOf(error) !== 'state') throw error;
    return undefined;
  });
  return record?.sha256;
}

export async function writeLastAnswer({ disk }: { disk: Disk }, sha256: string): Promise<void> {
  await writeRecord(disk, PATH, { sha256 } satisfies v.InferInput<typeof Kept>);
}

/**
 * Returns a function that records each new digest. If that fails, the answer counts as new once more after the next
 * start. A full disk fails at every poll, so the same failure is logged once.
 *
 * @param known the recorded digest
 */
export function createAnswerKeeper(
  hands: { disk: Disk; log: Log },
  known: string | undefined,
): (digest: string | undefined) => Promise<void> {
  let kept = known;
  let told: string | undefined;
  return async (digest) => {
    if (digest === undefined || digest === kept) return;
    try {
      await writeLastAnswer(hands, digest);
      kept = digest;
      told = undefined;
    } catch (error) {
      const why = explain(error);
      if (why !== told) hands.log('last-answer-unwritten', { why });
      told = why;
    }
  };
}
