import { join } from 'node:path';
import * as v from 'valibot';
import { readText } from '../../src/base/disk.ts';
import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { readRecord, recordText } from '../../src/base/record.ts';
import type { RoleLayout } from '../../src/certificates/layout.ts';
import {
  acceptedKeys,
  publicKeyOfPrivate,
  type ServiceAccountKeys,
} from '../../src/certificates/service-account-keys.ts';
import { isTokenOf } from '../../src/certificates/service-account-token.ts';
import type { Generations } from '../../src/files/generation.ts';
import type { ManagedFile } from '../../src/files/managed-file.ts';
import type { SignedBy } from '../../src/services/legacy-tokens.ts';
import type { RotateOperation } from '../../src/operation/operation.ts';
import { STATE } from '../paths.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';

/**
 * Data that the files of service-account keys cannot hold: which public keys will be removed and when, and the next
 * signing pair. The file belongs to the same generation as the keys.
 */
export const SERVICE_ACCOUNT = join(STATE, 'service-account.json');

const Kept = v.object({
  version: v.literal(1),
  leaving: v.array(v.object({ key: v.string(), until: v.number() })),
  next: v.optional(v.object({ publicKey: v.string(), privateKey: v.string() })),
  /** The pods that needed a key after its grace. */
  heldBy: v.optional(v.string()),
});
type Kept = Pick<ServiceAccountKeys, 'leaving' | 'next'> & { heldBy?: string | undefined };

export const keptText = ({ leaving, next, heldBy }: Kept): string =>
  recordText({ version: 1, leaving: [...leaving], next, heldBy } satisfies v.InferInput<typeof Kept>);

export const keptFile = (keys: Pick<ServiceAccountKeys, 'leaving' | 'next'>): ManagedFile => ({
  path: SERVICE_ACCOUNT,
  content: keptText(keys),
  owner: 'root',
  group: 'root',
  mode: 0o600,
  directoryMode: 0o700,
});

/** Reads the record; undefined: it does not exist. @throws `state` when it is damaged */
export async function readKept({ disk }: Pick<Hands, 'disk'>): Promise<Kept | undefined> {
  const record = await readRecord(disk, SERVICE_ACCOUNT);
  if (record === undefined) return undefined;
  const parsed = v.safeParse(Kept, record);
  if (!parsed.success)
    throw new AgentError('state', `reading ${SERVICE_ACCOUNT}: not a record of this version`);
  const { leaving, next, heldBy } = parsed.output;
  return { leaving, next, heldBy };
}

/** Reads the node's keys. If the record is damaged, a new grace starts for the keys. */
export async function readKeys(
  { serviceAccount: row }: RoleLayout,
  { disk, log, secrets }: Pick<Hands, 'disk' | 'log' | 'secrets'>,
): Promise<ServiceAccountKeys> {
  const text = async (path: string | undefined): Promise<string | undefined> =>
    path === undefined ? undefined : await readText(disk, path);
  const kept = await readKept({ disk }).catch((error: unknown) => {
    if (codeOf(error) !== 'state') throw error;
    log('service-account-record-damaged', { why: explain(error) });
    return undefined;
  });
  if (kept?.next) secrets.addPassing(kept.next.privateKey);
  return {
    privateKey: await text(row?.privateKeyFile.path),
    publicKeys: await text(row?.publicKeyFile.path),
    leaving: kept?.leaving ?? [],
    next: kept?.next,
  };
}

/** Returns the pair that signs tokens now; undefined if the node has none. */
export async function signingPair(
  { layout }: Pick<Node, 'layout'>,
  hands: Pick<Hands, 'disk' | 'log' | 'secrets'>,
): Promise<RotateOperation['serviceAccount']> {
  const { privateKey } = await readKeys(layout, hands);
  if (privateKey === undefined) return undefined;
  hands.secrets.addPassing(privateKey);
  return { privateKey, publicKey: publicKeyOfPrivate(privateKey) };
}

/** Returns a function that determines which of the node's keys signed a token. */
export function signedBy(keys: ServiceAccountKeys): (token: string) => SignedBy {
  const { privateKey } = keys;
  if (privateKey === undefined)
    throw new AgentError('precondition', 'the node has no service-account key that signs');
  const accepted = acceptedKeys(keys);
  return (token) => {
    if (isTokenOf(token, privateKey)) return 'signer';
    return accepted.some((key) => isTokenOf(token, key)) ? 'accepted' : 'none';
  };
}

/** Returns when the first grace of an old public key ends. A damaged record never removes a key. */
export async function graceEnd({ disk }: Pick<Hands, 'disk'>): Promise<number | undefined> {
  const kept = await readKept({ disk }).catch((error: unknown) => {
    if (codeOf(error) !== 'state') throw error;
    return undefined;
  });
  return kept?.leaving.map(({ until }) => until).toSorted((a, b) => a - b)[0];
}

/** Whether the grace of an old public key is over. */
export async function isGraceOver({
  disk,
  clock,
  generations,
}: Pick<Hands, 'disk' | 'clock'> & { generations: Pick<Generations, 'underWay'> }): Promise<boolean> {
  const end = await graceEnd({ disk });
  return end !== undefined && end <= clock.now() && !(await generations.underWay());
}
