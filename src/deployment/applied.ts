import { join } from 'node:path';
import * as v from 'valibot';
import type { Disk } from '../base/disk.ts';
import { replaceFile } from '../base/replace-file.ts';
import { readRecordOf, writeRecord } from '../base/record.ts';

/** The directories in which heat-config stores applied ids, newest first. */
export const HEAT_CONFIG = ['/var/lib/heat-config/deployed', '/var/run/heat-config/deployed'] as const;

/**
 * A deployment that heat-config has begun. heat-config writes one file before it runs the hook, and the answer after
 * it.
 */
export type Applied = { id: string; answered: boolean };

const NOTE = '.notify.json';

/** Lists the deployments that heat-config has applied on this node. */
export async function appliedByHeatConfig(disk: Disk): Promise<Applied[]> {
  const found = new Map<string, Applied>();
  for (const directory of HEAT_CONFIG) {
    const names = new Set(await disk.list(directory));
    for (const name of names) {
      if (!name.endsWith('.json') || name.endsWith(NOTE)) continue;
      const id = name.slice(0, -'.json'.length);
      if (!found.has(id)) found.set(id, { id, answered: names.has(`${id}${NOTE}`) });
    }
  }
  return [...found.values()];
}

/** Marks deployments as applied for heat-config, which checks for a file named after the id. */
export async function tellHeatConfig(disk: Disk, ids: readonly string[]): Promise<void> {
  const [directory] = HEAT_CONFIG;
  const known = new Set(await disk.list(directory));
  await disk.makeDirectory(directory, { mode: 0o700 });
  for (const id of ids)
    if (!known.has(`${id}.json`))
      await replaceFile(disk, join(directory, `${id}.json`), `${JSON.stringify({ id })}\n`, { mode: 0o600 });
}

const Ids = v.array(v.string());

/**
 * Reads the ids that `agent migrate` has taken over; heat-config's own files may have been deleted since. @throws
 * `state`
 */
export const readTakenOver = async (disk: Disk, path: string): Promise<string[]> =>
  (await readRecordOf(disk, path, Ids)) ?? [];

export const writeTakenOver = async (disk: Disk, path: string, ids: readonly string[]): Promise<void> => {
  await writeRecord(disk, path, ids);
};
