import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { pemBlocksIn } from '../base/pem.ts';
import type { Phase } from '../operation/phase.ts';
import { keyId } from './read.ts';

/**
 * The keys of service-account tokens. The private one signs. The file of public ones may hold several, and
 * kube-apiserver accepts a token that any of them verifies: so a key that signs no more stays there until the tokens
 * of then have turned over.
 */
export type ServiceAccountKeys = {
  /** PEM; undefined where there is no file. */
  privateKey: string | undefined;
  publicKeys: string | undefined;
  /** The public keys that go, and when. */
  leaving: readonly Leaving[];
  /** The pair that is accepted already and is to sign from the phase `reissue` on. */
  next: Pair | undefined;
};

/** A public key by its value, and the end of its grace in milliseconds since the epoch. */
export type Leaving = { key: string; until: number };

type Pair = { publicKey: string; privateKey: string };

/** What is to become of the keys. */
export type KeyChange =
  | { phase: Exclude<Phase, 'retire'>; pair: Pair | undefined; graceMs: number }
  | { phase: 'retire'; graceMs: number }
  /** Those whose grace is over go. */
  | { phase: 'grace' };

/**
 * The keys as they are to be.
 *
 * @param at milliseconds since the epoch
 */
export function changeKeys(keys: ServiceAccountKeys, change: KeyChange, at: number): ServiceAccountKeys {
  if (change.phase === 'retire') return leavingOthers(keys, change.graceMs, at);
  if (change.phase === 'grace') return withoutExpired(keys, at);
  const { phase, graceMs } = change;
  // Every API server is to accept the new key before the first token is signed with it.
  if (phase === 'trust' && signerOf(keys) !== undefined)
    return change.pair ? accepting(keys, change.pair) : keys;
  const pair = change.pair ?? keys.next;
  return pair ? signingWith(keys, pair, graceMs, at) : keys;
}

/** The key that signs now, by its value; undefined when there is none, or none that can be read. */
export function signerOf({ privateKey }: Pick<ServiceAccountKeys, 'privateKey'>): string | undefined {
  try {
    return privateKey === undefined ? undefined : keyId(createPublicKey(createPrivateKey(privateKey)));
  } catch {
    return undefined;
  }
}

/** Whether a pair signs already, and verifies. */
export const isSigning = (keys: ServiceAccountKeys, { publicKey }: Pick<Pair, 'publicKey'>): boolean =>
  signerOf(keys) === idOf(publicKey) && isAccepted(keys, { publicKey });

/** Whether a pair verifies already. */
export const isAccepted = (keys: ServiceAccountKeys, { publicKey }: Pick<Pair, 'publicKey'>): boolean =>
  publicKeysIn(keys.publicKeys).has(idOf(publicKey) ?? '');

/** The public keys that verify tokens, each as PEM. */
export const acceptedKeys = ({ publicKeys }: Pick<ServiceAccountKeys, 'publicKeys'>): string[] => [
  ...publicKeysIn(publicKeys).values(),
];

/** Whether tokens of some key were accepted before and are not any more. */
export function acceptsLess(before: ServiceAccountKeys, after: ServiceAccountKeys): boolean {
  const there = publicKeysIn(after.publicKeys);
  return [...publicKeysIn(before.publicKeys).keys()].some((id) => !there.has(id));
}

function accepting(keys: ServiceAccountKeys, pair: Pair): ServiceAccountKeys {
  const { publicKey } = pair;
  const id = idOf(publicKey) ?? '';
  const there = publicKeysIn(keys.publicKeys);
  if (!there.has(id)) there.set(id, publicKey);
  const leaving = keys.leaving.filter(({ key }) => key !== id);
  const next = signerOf(keys) === id ? undefined : pair;
  return { ...keys, publicKeys: textOf([...there.values()], keys.publicKeys), leaving, next };
}

function signingWith(keys: ServiceAccountKeys, pair: Pair, graceMs: number, at: number): ServiceAccountKeys {
  const own = idOf(pair.publicKey);
  const untilOf = (id: string): number =>
    Math.min(keys.leaving.find(({ key }) => key === id)?.until ?? Infinity, at + graceMs);
  const others = [...publicKeysIn(keys.publicKeys)].filter(([id]) => id !== own && untilOf(id) > at);
  const publicKeys = textOf([pair.publicKey, ...others.map(([, pem]) => pem)], keys.publicKeys);
  const leaving = others.map(([key]) => ({ key, until: untilOf(key) }));
  return { privateKey: pair.privateKey, publicKeys, leaving, next: undefined };
}

/** The others go with their grace; where nobody knows which key signs, all stay. */
function leavingOthers(keys: ServiceAccountKeys, graceMs: number, at: number): ServiceAccountKeys {
  const { privateKey, next } = keys;
  const there = publicKeysIn(keys.publicKeys);
  const publicKey = there.get(signerOf(keys) ?? '');
  if (publicKey === undefined || privateKey === undefined) return keys;
  // It has signed nothing yet.
  if (next && there.delete(idOf(next.publicKey) ?? ''))
    return leavingOthers(
      { ...keys, publicKeys: textOf([...there.values()], keys.publicKeys), next: undefined },
      graceMs,
      at,
    );
  return signingWith(keys, { publicKey, privateKey }, graceMs, at);
}

function withoutExpired(keys: ServiceAccountKeys, at: number): ServiceAccountKeys {
  const signer = signerOf(keys);
  const leaving = keys.leaving.filter(({ until }) => until > at);
  if (leaving.length === keys.leaving.length) return keys;
  const expired = new Set(keys.leaving.filter(({ until }) => until <= at).map(({ key }) => key));
  const staying = [...publicKeysIn(keys.publicKeys)].filter(([id]) => id === signer || !expired.has(id));
  if (staying.length === 0) return { ...keys, leaving };
  return {
    ...keys,
    publicKeys: textOf(
      staying.map(([, pem]) => pem),
      keys.publicKeys,
    ),
    leaving,
  };
}

/** Public keys by their values; what is none verifies nothing. */
function publicKeysIn(text: string | undefined): Map<string, string> {
  const keys = new Map<string, string>();
  for (const block of pemBlocksIn(text ?? '')) {
    const key = publicKeyOf(block.pem);
    if (!key) continue;
    const id = keyId(key);
    // A private key verifies as well, but this is no place for one.
    const pem = block.label.endsWith('PUBLIC KEY') ? block.pem : key.export({ type: 'spki', format: 'pem' });
    if (!keys.has(id)) keys.set(id, pem);
  }
  return keys;
}

const idOf = (pem: string): string | undefined => {
  const key = publicKeyOf(pem);
  return key && keyId(key);
};

function publicKeyOf(pem: string): KeyObject | undefined {
  try {
    return createPublicKey(pem);
  } catch {
    return undefined;
  }
}

/** Several keys as one text; one that holds just these already stays as it is written. */
function textOf(pems: readonly string[], now: string | undefined): string {
  const fresh = pems.length === 1 ? (pems[0] ?? '') : pems.map((pem) => `${pem.trimEnd()}\n`).join('');
  const [a, b] = [publicKeysIn(now), publicKeysIn(fresh)].map((keys) => [...keys.keys()].join());
  const blocks = pemBlocksIn(now ?? '');
  return now !== undefined && a === b && blocks.length === pems.length ? now : fresh;
}
