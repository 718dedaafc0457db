import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import * as v from 'valibot';
import { type Disk, readIfThere } from './disk.ts';
import { replaceFile } from './replace-file.ts';
import { AgentError, errnoOf } from './errors.ts';
import { isObject } from './json.ts';

/**
 * A record is what this program must find again after a power cut: one JSON line and its SHA-256, 0600,
 * replaced as a whole. A record that was cut or altered anywhere is noticed, never half believed.
 */

const digest = (line: string): string => createHash('sha256').update(line).digest('hex');

/** A record as it is written, for who replaces it together with other files. */
export const recordText = (value: unknown): string => {
  const line = JSON.stringify(value);
  return `${line}\n${digest(line)}\n`;
};

export async function writeRecord(disk: Disk, path: string, value: unknown): Promise<void> {
  await replaceFile(disk, path, recordText(value), { mode: 0o600 });
}

/**
 * Of several processes that write the same record the first one does: `false` for all others. It is never seen
 * half-written.
 *
 * @param who another word for each of them
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

/** The parsed record; undefined when there is none; a `state` error when it is not what was written. */
export async function readRecord(disk: Disk, path: string): Promise<unknown> {
  const content = await readIfThere(disk, path);
  if (content === undefined) return undefined;
  const [line = '', sum = '', ...rest] = content.toString('utf8').split('\n');
  if (sum !== digest(line) || rest.join('') !== '')
    throw new AgentError('state', `reading ${path}: the record is cut or was altered`);
  // The sum is right, so this program has written it: the bounds on what others send do not hold here.
  return JSON.parse(line) as unknown;
}

/** The same of one shape. @throws `state` also for what is of another */
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
    `reading ${path}: the record is of another kind (${v.getDotPath(read.issues[0]) ?? 'it'})`,
  );
}

/**
 * A shape of which earlier versions wrote some keys under other names: both are read, the present ones are written.
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
