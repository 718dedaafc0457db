import { join } from 'node:path';
import * as v from 'valibot';
import { readIfThere } from '../src/base/disk.ts';
import { codeOf, explain } from '../src/base/errors.ts';
import { readRecord, recordText } from '../src/base/record.ts';
import type { RoleLayout } from '../src/certificates/layout.ts';
import type { Leaving, ServiceAccountKeys } from '../src/certificates/service-account-keys.ts';
import type { ManagedFile } from '../src/files/managed-file.ts';
import { STATE } from './compose.ts';
import type { Hands } from './hands.ts';

/** Which public keys of service accounts go, and when. It is replaced with the keys, as one of their generation. */
export const LEAVING = join(STATE, 'service-account.json');

const LeavingRecord = v.object({
  version: v.literal(1),
  leaving: v.array(v.object({ key: v.string(), until: v.number() })),
});

export type LeavingRecord = v.InferOutput<typeof LeavingRecord>;

export const leavingFile = (leaving: readonly Leaving[]): ManagedFile => ({
  path: LEAVING,
  content: recordText({ version: 1, leaving: [...leaving] } satisfies LeavingRecord),
  owner: 'root',
  group: 'root',
  mode: 0o600,
  directoryMode: 0o700,
});

/** undefined: there is no such record. @throws `state` when it is damaged */
export async function readLeaving({ disk }: Pick<Hands, 'disk'>): Promise<Leaving[] | undefined> {
  const record = await readRecord(disk, LEAVING);
  return record === undefined ? undefined : v.parse(LeavingRecord, record).leaving;
}

/** The keys that the node has. What a damaged record said is lost: its keys get their time anew. */
export async function readKeys(
  { serviceAccount: row }: RoleLayout,
  { disk, log }: Pick<Hands, 'disk' | 'log'>,
): Promise<ServiceAccountKeys> {
  const text = async (path: string | undefined): Promise<string | undefined> =>
    path === undefined ? undefined : (await readIfThere(disk, path))?.toString('utf8');
  const leaving = async (): Promise<readonly Leaving[]> => {
    try {
      return (await readLeaving({ disk })) ?? [];
    } catch (error) {
      if (codeOf(error) !== 'state') throw error;
      log.error(
        { why: explain(error) },
        'how long old service-account keys are accepted is not known any more',
      );
      return [];
    }
  };
  return {
    privateKey: await text(row?.privateKeyFile.path),
    publicKeys: await text(row?.publicKeyFile.path),
    leaving: await leaving(),
  };
}

/** Whether an old public key is to go now. A damaged record is nobody's order to take anything away. */
export async function isGraceOver({
  disk,
  clock,
  generations,
}: Pick<Hands, 'disk' | 'clock' | 'generations'>): Promise<boolean> {
  const leaving = await readLeaving({ disk }).catch((error: unknown) => {
    if (codeOf(error) !== 'state') throw error;
    return undefined;
  });
  return leaving?.some(({ until }) => until <= clock.now()) === true && !(await generations.underWay());
}
