import { join } from 'node:path';
import * as v from 'valibot';
import { readJson } from '../src/base/read-json.ts';
import { replaceFile } from '../src/base/replace-file.ts';
import { explain } from '../src/base/errors.ts';
import { bringsFacts } from '../src/metadata/collector.ts';
import { RUNTIME } from './paths.ts';
import type { Hands } from './hands.ts';
import type { PassResult } from './pass.ts';

/** The code of `why`. Earlier versions did not write it. */
const Cause = { code: v.optional(v.string()), reason: v.optional(v.string()) };

/**
 * The result of the last pass, for `agent status`. The file is in /run, so it is absent between a boot and the first
 * pass.
 */
const PassRecord = v.object({
  at: v.string(),
  /** When all collectors last answered in one pass, and when each of them last answered. */
  completeAt: v.optional(v.string()),
  answeredAt: v.optional(v.record(v.string(), v.string()), {}),
  problems: v.array(v.object({ code: v.string(), reason: v.optional(v.string()), message: v.string() })),
  open: v.array(v.object({ id: v.string(), why: v.string(), ...Cause })),
  unserved: v.array(v.object({ id: v.string(), group: v.string() })),
  answers: v.optional(
    v.array(v.object({ collector: v.string(), why: v.optional(v.string()), ...Cause })),
    [],
  ),
});
export type PassRecord = v.InferOutput<typeof PassRecord>;

const path = join(RUNTIME, 'last-pass.json');

export async function writePassRecord(
  { disk, secrets }: Pick<Hands, 'disk' | 'secrets'>,
  record: PassRecord,
): Promise<void> {
  const text = JSON.stringify(isPlain(record) ? record : secrets.redactWithin(record));
  await replaceFile(disk, path, `${text}\n`, { mode: 0o600, durable: false });
}

/** Whether the record holds only times and the names of collectors, as after nearly every pass. */
const isPlain = ({ problems, open, unserved, answers }: PassRecord): boolean =>
  problems.length + open.length + unserved.length === 0 && answers.every(({ why }) => why === undefined);

/**
 * Builds the record of a pass.
 *
 * @param before the record of the previous pass, if any
 * @param at when the pass ended
 */
export function recordOf(result: PassResult, before: PassRecord | undefined, at: string): PassRecord {
  const answered = result.answers.filter(({ why }) => why === undefined).map(({ collector }) => collector);
  const silent = result.answers.some(({ collector, why }) => why !== undefined && !bringsFacts(collector));
  return {
    at,
    completeAt: answered.length > 0 && !silent ? at : before?.completeAt,
    answeredAt: { ...before?.answeredAt, ...Object.fromEntries(answered.map((name) => [name, at])) },
    problems: result.problems.map((problem) => ({
      code: problem.code,
      ...(problem.reason !== undefined && { reason: problem.reason }),
      message: explain(problem),
    })),
    open: result.open,
    unserved: result.unserved,
    answers: result.answers,
  };
}

/** Reads the record; undefined if there was no pass since the boot, or if it is unreadable. */
export async function readPassRecord({ disk }: Pick<Hands, 'disk'>): Promise<PassRecord | undefined> {
  return await readJson(disk, path, PassRecord);
}
