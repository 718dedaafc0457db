import { join } from 'node:path';
import * as v from 'valibot';
import type { Disk } from '../base/disk.ts';
import { replaceFile } from '../base/replace-file.ts';
import { readRecordOf, writeRecord } from '../base/record.ts';

/** Where heat-config keeps the ids that it has applied, newest place first. */
export const HEAT_CONFIG = ['/var/lib/heat-config/deployed', '/var/run/heat-config/deployed'] as const;

/** A deployment that heat-config has begun; it notes that before it runs the hook, and the answer after it. */
export type Applied = { id: string; answered: boolean };

const NOTE = '.notify.json';

/** What heat-config has applied on this node, by its own files. */
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

/** Lets heat-config take deployments for applied: it looks whether there is a file of that name. */
export async function tellHeatConfig(disk: Disk, ids: readonly string[]): Promise<void> {
  const [directory] = HEAT_CONFIG;
  const known = new Set(await disk.list(directory));
  await disk.makeDirectory(directory, { mode: 0o700 });
  for (const id of ids)
    if (!known.has(`${id}.json`))
      await replaceFile(disk, join(directory, `${id}.json`), `${JSON.stringify({ id })}\n`, { mode: 0o600 });
}

const Ids = v.array(v.string());

/** The ids that `agent migrate` has taken over; heat-config's own files may be gone since. @throws `state` */
export const readTakenOver = async (disk: Disk, path: string): Promise<string[]> =>
  (await readRecordOf(disk, path, Ids)) ?? [];

export const writeTakenOver = async (disk: Disk, path: string, ids: readonly string[]): Promise<void> => {
  await writeRecord(disk, path, ids);
};
