import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import * as v from 'valibot';
import { type Disk, readIfThere } from './disk.ts';
import { replaceFile } from './replace-file.ts';
import { AgentError, errnoOf } from './errors.ts';
import { isObject } from './json.ts';

/**
 * A record must survive a power cut: one JSON line and its SHA-256, mode 0600, replaced as a whole. A truncated or
 * altered record is detected and never partly used.
 */

const digest = (line: string): string => createHash('sha256').update(line).digest('hex');

/** Formats a record, for callers that replace it together with other files. */
export const recordText = (value: unknown): string => {
  const line = JSON.stringify(value);
  return `${line}\n${digest(line)}\n`;
};

export async function writeRecord(disk: Disk, path: string, value: unknown): Promise<void> {
  await replaceFile(disk, path, recordText(value), { mode: 0o600 });
}

/**
 * Writes a record unless another process has written it first. Returns `false` to all but the first. Readers never see
 * a partial record.
 *
 * @param who a word unique to each process
 */
export async function claimRecord(disk: Disk, path: string, who: string, value: unknown): Promise<boolean> {
  const staged = join(dirname(path), `.${basename(path)}.${who}`);
  await replaceFile(disk, staged, recordText(value), { mode: 0o600 });
  try {
    await disk.link(staged, path);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await disk.remove(staged);
  }
  await disk.sync(dirname(path));
  return true;
}

/** Reads and parses a record; undefined if it does not exist; throws `state` if its checksum is wrong. */
export async function readRecord(disk: Disk, path: string): Promise<unknown> {
  const content = await readIfThere(disk, path);
  if (content === undefined) return undefined;
  const [line = '', sum = '', ...rest] = content.toString('utf8').split('\n');
  if (sum !== digest(line) || rest.join('') !== '')
    throw new AgentError('state', `reading ${path}: the record is truncated or was altered`);
  // The checksum matches, so this program wrote it: the limits for foreign JSON do not apply.
  return JSON.parse(line) as unknown;
}

/** Like `readRecord`, for one shape. @throws `state` also for another shape */
export async function readRecordOf<T extends v.GenericSchema>(
  disk: Disk,
  path: string,
  schema: T,
): Promise<v.InferOutput<T> | undefined> {
  const record = await readRecord(disk, path);
  if (record === undefined) return undefined;
  const read = v.safeParse(schema, record);
  if (read.success) return read.output;
  throw new AgentError(
    'state',
    `reading ${path}: the record has an unexpected format (${v.getDotPath(read.issues[0]) ?? 'it'})`,
  );
}

/**
 * A schema that also accepts the keys' names of earlier versions. Only the present names are written.
 *
 * @param former the earlier name -> the present one
 */
export const withFormerNames = <const T extends v.GenericSchema>(
  schema: T,
  former: Readonly<Record<string, string>>,
): v.GenericSchema<v.InferInput<T>, v.InferOutput<T>> =>
  v.pipe(
    v.custom<v.InferInput<T>>(() => true),
    v.transform((value: unknown) => renamed(value, former)),
    schema,
  );

const renamed = (value: unknown, former: Readonly<Record<string, string>>): unknown =>
  isObject(value)
    ? Object.fromEntries(
        Object.entries(value).map(([key, one]) => [(Object.hasOwn(former, key) && former[key]) || key, one]),
      )
    : value;
