import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import { AgentError, codeOf } from '../../src/base/errors.ts';
import { readRecordOf, recordText, writeRecord } from '../../src/base/record.ts';
import type { Change } from '../../src/files/credential-file.ts';
import type { ManagedFile } from '../../src/files/managed-file.ts';
import type { Hands } from '../hands.ts';
import { STATE } from '../paths.ts';

/**
 * The login of this node before its last change of credentials. `agent credentials --back` restores it, and objects of
 * the Kubernetes API are searched for it. The file belongs to the generation that changes the other files, so it exists
 * once they have changed. Only root can read it.
 */
export const FORMER = join(STATE, 'former-credentials.json');

const Login = v.object({
  user: v.string(),
  userName: v.string(),
  domain: v.string(),
  password: v.string(),
  trust: v.string(),
  region: v.string(),
  authUrl: v.string(),
});

const Record = v.object({
  version: v.literal(1),
  /** The id of the change. Pods that read the node's files are marked with it. */
  id: v.string(),
  /** When the change was made, in milliseconds since the epoch. */
  at: v.number(),
  former: Login,
  /** The changed files of this node. */
  files: v.array(v.string()),
  /** Logins that objects of the API may still hold, newest first. Empty once all objects have been changed. */
  inObjects: v.array(Login),
  /** The cloud's CA bundle before this change. undefined: the change did not replace it. */
  formerCa: v.optional(v.string()),
  /** CA bundles that objects of the API may still hold. */
  casInObjects: v.optional(v.array(v.string()), []),
});
export type FormerRecord = v.InferOutput<typeof Record>;

/** Formats the record as a file of a generation. */
export const formerFile = (record: FormerRecord): ManagedFile => ({
  path: FORMER,
  content: recordText(record),
  owner: 'root',
  group: 'root',
  mode: 0o600,
  directoryMode: 0o700,
});

/**
 * Reads the record and registers its passwords as secrets. If the record is damaged, the former login cannot be
 * restored.
 */
export async function readFormer({
  disk,
  secrets,
}: Pick<Hands, 'disk' | 'secrets'>): Promise<FormerRecord | undefined> {
  const record = await readRecordOf(disk, FORMER, Record).catch((error: unknown) => {
    if (codeOf(error) !== 'state') throw error;
    return undefined;
  });
  for (const { password } of record ? [record.former, ...record.inObjects] : []) secrets.add(password);
  return record;
}

/** Records that no object holds a former login any more. */
export async function noteReplaced(record: FormerRecord, { disk }: Pick<Hands, 'disk'>): Promise<void> {
  const done = { ...record, inObjects: [], casInObjects: [] } satisfies FormerRecord;
  await writeRecord(disk, FORMER, done);
}

/**
 * Deletes the former login.
 *
 * @returns false if there is none
 * @throws `precondition` while objects of the API may still hold it: the login is needed to find them
 */
export async function dropFormer(hands: Pick<Hands, 'disk' | 'secrets'>): Promise<boolean> {
  if (!(await hands.disk.info(FORMER))) return false;
  const record = await readFormer(hands);
  if (record && record.inObjects.length + record.casInObjects.length > 0)
    throw new AgentError(
      'precondition',
      'objects of the Kubernetes API may still hold the former credentials: "agent status" shows why their change waits',
      { reason: 'objects-pending' },
    );
  await hands.disk.remove(FORMER);
  return true;
}

/**
 * Builds the record of a change that is about to be made. Keeps the logins that objects may still hold. Keeps the
 * former login if only the CA bundle changes.
 *
 * @param hasApi whether this node changes the objects
 */
export async function keepFormer(
  { change, files, ca }: { change: Change; files: readonly ManagedFile[]; ca: string | undefined },
  hasApi: boolean,
  hands: Pick<Hands, 'disk' | 'secrets' | 'clock'>,
): Promise<ManagedFile> {
  const before = await readFormer(hands);
  const isLogin = change.given.length > 0;
  return formerFile({
    version: 1,
    id: randomUUID(),
    at: hands.clock.now(),
    former: isLogin ? change.old : (before?.former ?? change.old),
    files: files.map(({ path }) => path),
    inObjects: hasApi ? [...(isLogin ? [change.old] : []), ...(before?.inObjects ?? [])] : [],
    ...(ca !== undefined && { formerCa: ca }),
    casInObjects: hasApi ? [...(ca === undefined ? [] : [ca]), ...(before?.casInObjects ?? [])] : [],
  });
}
