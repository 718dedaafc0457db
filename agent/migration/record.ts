import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Disk } from '../../src/base/disk.ts';
import { readRecordOf, writeRecord } from '../../src/base/record.ts';
import { STATE } from '../paths.ts';

/** Earlier versions knew only one predecessor and recorded whether its unit was enabled. */
const Enabled = v.union([
  v.array(v.string()),
  v.pipe(
    v.boolean(),
    v.transform((isEnabled) => (isEnabled ? ['os-collect-config.service'] : [])),
  ),
]);

/** The state before a migration, for its rollback. */
const Before = v.object({
  /** The predecessors' units that were enabled. */
  enabled: Enabled,
  /** The digest of the configuration that the migration wrote. null: a configuration already existed. */
  config: v.nullable(v.string()),
});
export type Before = v.InferOutput<typeof Before>;

const path = join(STATE, 'migration');

/** Reads the record; undefined: this node was not migrated. @throws `state` when the record is damaged */
export const readBefore = async (disk: Disk): Promise<Before | undefined> =>
  await readRecordOf(disk, path, Before);

export async function writeBefore(disk: Disk, before: Before): Promise<void> {
  await disk.makeDirectory(STATE, { mode: 0o700 });
  await writeRecord(disk, path, before);
}

export const forgetBefore = async (disk: Disk): Promise<void> => {
  await disk.remove(path);
};

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
