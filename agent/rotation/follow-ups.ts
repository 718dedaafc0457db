import { join } from 'node:path';
import * as v from 'valibot';
import { codeOf } from '../../src/base/errors.ts';
import { readRecord, recordText } from '../../src/base/record.ts';
import { replaceFile } from '../../src/base/replace-file.ts';
import type { Generations } from '../../src/files/generation.ts';
import type { ManagedFile } from '../../src/files/managed-file.ts';
import type { Hands } from '../hands.ts';
import { STATE } from '../paths.ts';

/**
 * The tasks in the cluster after a rotation on this node. They wait until the other masters have reached the same
 * phase. The file belongs to the rotation's generation, so both exist or neither.
 */
export const FOLLOW_UPS = join(STATE, 'follow-ups.json');

const Task = v.object({
  /** When to look next, in milliseconds since the epoch. */
  due: v.number(),
  /** Why the last attempt did not finish the task. */
  why: v.optional(v.string()),
  /** When this node last wrote a change that a later look must confirm. */
  wroteAt: v.optional(v.number()),
});
export type Task = v.InferOutput<typeof Task>;

export const TASKS = ['tokens', 'clientTrust', 'credentials'] as const;
export type TaskName = (typeof TASKS)[number];

const Kept = v.object({
  version: v.literal(1),
  /** Service accounts may give new pods legacy tokens signed with a former key. */
  tokens: v.optional(Task),
  /** Aggregated API servers may still trust former CAs. */
  clientTrust: v.optional(Task),
  /** Objects of the API may hold the former login, or pods may use it. */
  credentials: v.optional(Task),
});
export type FollowUps = Partial<Record<TaskName, Task>>;

export const followUpsText = ({ tokens, clientTrust, credentials }: FollowUps): string =>
  recordText({ version: 1, tokens, clientTrust, credentials } satisfies v.InferInput<typeof Kept>);

export const followUpsFile = (tasks: FollowUps): ManagedFile => ({
  path: FOLLOW_UPS,
  content: followUpsText(tasks),
  owner: 'root',
  group: 'root',
  mode: 0o600,
  directoryMode: 0o700,
});

/** Reads the tasks. If the record is damaged, they are lost until the next rotation. */
export async function readFollowUps({ disk }: Pick<Hands, 'disk'>): Promise<FollowUps> {
  const record = await readRecord(disk, FOLLOW_UPS).catch((error: unknown) => {
    if (codeOf(error) !== 'state') throw error;
    return undefined;
  });
  const parsed = v.safeParse(Kept, record);
  if (!parsed.success) return {};
  const { tokens, clientTrust, credentials } = parsed.output;
  return {
    ...(tokens && { tokens }),
    ...(clientTrust && { clientTrust }),
    ...(credentials && { credentials }),
  };
}

/** Makes a task due at the next pass. */
export async function followUpSoon(
  name: TaskName,
  { disk, clock }: Pick<Hands, 'disk' | 'clock'>,
): Promise<void> {
  const tasks = { ...(await readFollowUps({ disk })), [name]: { due: clock.now() } };
  await replaceFile(disk, FOLLOW_UPS, followUpsText(tasks), { mode: 0o600 });
}

/** Returns when the first task is due; undefined without tasks. */
export async function nextFollowUp({ disk }: Pick<Hands, 'disk'>): Promise<number | undefined> {
  const tasks = Object.values(await readFollowUps({ disk }));
  return tasks.map(({ due }) => due).toSorted((a, b) => a - b)[0];
}

export async function isFollowUpDue({
  disk,
  clock,
  generations,
}: Pick<Hands, 'disk' | 'clock'> & { generations: Pick<Generations, 'underWay'> }): Promise<boolean> {
  const due = await nextFollowUp({ disk });
  return due !== undefined && due <= clock.now() && !(await generations.underWay());
}
