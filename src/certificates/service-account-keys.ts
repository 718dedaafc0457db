import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { pemBlocksIn } from '../base/pem.ts';
import type { Phase } from '../operation/phase.ts';
import { keyId } from './read.ts';

/**
 * The keys of service-account tokens. The private key signs. The file of public keys may contain several, and
 * kube-apiserver accepts a token that any of them verifies. So a former signing key stays in it until the tokens signed
 * with it have been replaced.
 */
export type ServiceAccountKeys = {
  /** PEM; undefined if the file does not exist. */
  privateKey: string | undefined;
  publicKeys: string | undefined;
  /** The public keys to remove, and when. */
  leaving: readonly Leaving[];
  /** The pair that is already accepted and will sign from the phase `reissue` on. */
  next: Pair | undefined;
};

/** A public key by its value, and the end of its grace period in milliseconds since the epoch. */
export type Leaving = { key: string; until: number };

type Pair = { publicKey: string; privateKey: string };

/** A requested change of the keys. */
export type KeyChange =
  | { phase: Exclude<Phase, 'retire'>; pair: Pair | undefined; graceMs: number }
  | { phase: 'retire'; graceMs: number }
  /** Removes keys whose grace period has ended. */
  | { phase: 'grace' };

/**
 * Returns the keys after a change.
 *
 * @param at milliseconds since the epoch
 */
export function changeKeys(keys: ServiceAccountKeys, change: KeyChange, at: number): ServiceAccountKeys {
  if (change.phase === 'retire') return leavingOthers(keys, change.graceMs, at);
  if (change.phase === 'grace') return withoutExpired(keys, at);
  const { phase, graceMs } = change;
  // In `trust`, the new key is only accepted: every API server must accept it before it signs the first token.
  if (phase === 'trust' && signerOf(keys) !== undefined)
    return change.pair ? accepting(keys, change.pair) : keys;
  const pair = change.pair ?? keys.next;
  return pair ? signingWith(keys, pair, graceMs, at) : keys;
}

/** Returns the id of the signing key; undefined if there is none or it cannot be read. */
export function signerOf({ privateKey }: Pick<ServiceAccountKeys, 'privateKey'>): string | undefined {
  try {
    return privateKey === undefined ? undefined : keyId(createPublicKey(createPrivateKey(privateKey)));
  } catch {
    return undefined;
  }
}

/** Returns the public key (PEM) of a private one. @throws when it is no private key */
export const publicKeyOfPrivate = (privateKey: string): string =>
  createPublicKey(createPrivateKey(privateKey)).export({ type: 'spki', format: 'pem' });

/** Whether a pair already signs and is accepted. */
export const isSigning = (keys: ServiceAccountKeys, { publicKey }: Pick<Pair, 'publicKey'>): boolean =>
  signerOf(keys) === idOf(publicKey) && isAccepted(keys, { publicKey });

/** Whether a pair is already accepted. */
export const isAccepted = (keys: ServiceAccountKeys, { publicKey }: Pick<Pair, 'publicKey'>): boolean =>
  publicKeysIn(keys.publicKeys).has(idOf(publicKey) ?? '');

/**
 * Whether a pair has the place that a phase gives it: after `trust` it signs or is the next to sign, otherwise it signs.
 * No other pair is the next.
 */
export function isInPlace(
  keys: ServiceAccountKeys,
  phase: Phase,
  { publicKey }: Pick<Pair, 'publicKey'>,
): boolean {
  if (!isAccepted(keys, { publicKey })) return false;
  const id = idOf(publicKey);
  if (keys.next) return phase === 'trust' && idOf(keys.next.publicKey) === id;
  return signerOf(keys) === id;
}

/** Returns the accepted public keys, each as PEM. */
export const acceptedKeys = ({ publicKeys }: Pick<ServiceAccountKeys, 'publicKeys'>): string[] => [
  ...publicKeysIn(publicKeys).values(),
];

/** Whether a key that was accepted before is no longer accepted. */
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

/** Gives the other keys a grace period. If the signing key is unknown, all keys stay. */
function leavingOthers(keys: ServiceAccountKeys, graceMs: number, at: number): ServiceAccountKeys {
  const { privateKey, next } = keys;
  const there = publicKeysIn(keys.publicKeys);
  const publicKey = there.get(signerOf(keys) ?? '');
  if (publicKey === undefined || privateKey === undefined) return keys;
  // The next key has not signed anything yet, so it can be removed now.
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

/** Parses public keys by id; invalid blocks are ignored. */
function publicKeysIn(text: string | undefined): Map<string, string> {
  const keys = new Map<string, string>();
  for (const block of pemBlocksIn(text ?? '')) {
    const key = publicKeyOf(block.pem);
    if (!key) continue;
    const id = keyId(key);
    // A private key would verify as well, but must not be written to this file.
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

/** Formats several keys as one text. Keeps the present text if it contains exactly these keys. */
function textOf(pems: readonly string[], now: string | undefined): string {
  const fresh = pems.length === 1 ? (pems[0] ?? '') : pems.map((pem) => `${pem.trimEnd()}\n`).join('');
  const [a, b] = [publicKeysIn(now), publicKeysIn(fresh)].map((keys) => [...keys.keys()].join());
  const blocks = pemBlocksIn(now ?? '');
  return now !== undefined && a === b && blocks.length === pems.length ? now : fresh;
}
