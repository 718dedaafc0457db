import { join } from 'node:path';
import * as v from 'valibot';
import { codeOf, explain } from '../../src/base/errors.ts';
import { readJson } from '../../src/base/read-json.ts';
import { replaceFile } from '../../src/base/replace-file.ts';
import type { DeletedPod } from '../../src/services/deleted-pods.ts';
import type { Hands } from '../hands.ts';
import { RUNTIME } from '../paths.ts';

/**
 * The restarts of the kubelet by the agent in this boot. Magnum's unit of the kubelet mounts `/` privately: after a
 * restart it cannot remove the volumes of pods that are older, and such a pod stays in deletion until the next restart.
 * The file is in /run, because a boot ends every pod.
 */
export const KUBELET_RECORD = join(RUNTIME, 'kubelet.json');

const Record = v.object({
  /** When the agent last restarted the kubelet, or replaced pods; milliseconds since the epoch. */
  restartedAt: v.number(),
  /** When the agent last restarted the kubelet because of hanging pods. */
  freedAt: v.optional(v.number()),
  /** The uids of the pods for which it did so. */
  tried: v.array(v.string()),
  /** The names of those that hang nevertheless. */
  left: v.array(v.string()),
});
export type KubeletRecord = v.InferOutput<typeof Record>;

export const readKubeletRecord = async ({ disk }: Pick<Hands, 'disk'>): Promise<KubeletRecord | undefined> =>
  await readJson(disk, KUBELET_RECORD, Record);

/** Writes the record. @throws an error of the disk: without a record, the kubelet could be restarted in a loop */
export async function writeKubeletRecord(
  record: KubeletRecord,
  { disk }: Pick<Hands, 'disk'>,
): Promise<void> {
  await disk.makeDirectory(RUNTIME, { mode: 0o755 });
  await replaceFile(disk, KUBELET_RECORD, `${JSON.stringify(record)}\n`, { mode: 0o600 });
}

/** How much longer than its grace period a pod may take to end. */
const MARGIN_MS = 60_000;

/**
 * Returns the pods that have been in deletion for too long. This node's own clock counts from its first look: the clock
 * of the API server may differ.
 *
 * @param seen when each pod was first seen in deletion, by uid; updated
 */
export function hangingOf(
  deleted: readonly DeletedPod[],
  seen: Map<string, number>,
  elapsed: number,
): DeletedPod[] {
  const here = new Set(deleted.map(({ uid }) => uid));
  for (const uid of seen.keys()) if (!here.has(uid)) seen.delete(uid);
  for (const { uid } of deleted) if (!seen.has(uid)) seen.set(uid, elapsed);
  return deleted.filter(({ uid, graceMs }) => elapsed - (seen.get(uid) ?? elapsed) >= graceMs + MARGIN_MS);
}

/**
 * Records that pods may hang from now on, before the kubelet restarts or pods are replaced: a kill must not lose it. A
 * failure is logged: no other work depends on it.
 */
export async function noteCause(hands: Pick<Hands, 'disk' | 'clock' | 'log'>): Promise<void> {
  try {
    const before = (await readKubeletRecord(hands)) ?? { tried: [], left: [] };
    await writeKubeletRecord({ ...before, restartedAt: hands.clock.now() }, hands);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    hands.log('kubelet-unrecorded', { why: explain(error) });
  }
}
