import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  changeKeys,
  isAccepted,
  isSigning,
  type ServiceAccountKeys,
} from '../../../src/certificates/service-account-keys.ts';

const pairs = Array.from({ length: 3 }, () =>
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  }),
);
const pair = (index: number): { publicKey: string; privateKey: string } => {
  const [one] = pairs.slice(index);
  if (!one) throw new Error(`no pair ${index}`);
  return one;
};
const [A, B, C] = [pair(0), pair(1), pair(2)];
const NONE: ServiceAccountKeys = {
  privateKey: undefined,
  publicKeys: undefined,
  leaving: [],
  next: undefined,
};
const OF_A: ServiceAccountKeys = {
  privateKey: A.privateKey,
  publicKeys: A.publicKey,
  leaving: [],
  next: undefined,
};
const DAY = 86_400_000;
const to = (keys: ServiceAccountKeys, next: typeof A, at = 0, graceMs = DAY): ServiceAccountKeys =>
  changeKeys(keys, { phase: 'all', pair: next, graceMs }, at);

test('a node without keys gets the pair as it was sent', () => {
  expect(to(NONE, A)).toEqual(OF_A);
  expect(changeKeys(NONE, { phase: 'trust', pair: A, graceMs: DAY }, 0)).toEqual(OF_A);
});

test('a new pair signs, and the old public key verifies until its grace is over', () => {
  const both = to(OF_A, B, 1000);
  expect(both).toMatchObject({ privateKey: B.privateKey, publicKeys: B.publicKey + A.publicKey });
  expect(both.leaving.map(({ until }) => until)).toEqual([1000 + DAY]);
  expect(changeKeys(both, { phase: 'grace' }, 999 + DAY)).toBe(both);
  expect(changeKeys(both, { phase: 'grace' }, 1000 + DAY)).toEqual({
    privateKey: B.privateKey,
    publicKeys: B.publicKey,
    leaving: [],
    next: undefined,
  });
});

test('a third pair does not prolong the grace of the first', () => {
  const three = to(to(OF_A, B, 1000), C, 5000);
  expect(three.publicKeys).toBe(C.publicKey + B.publicKey + A.publicKey);
  const later = changeKeys(three, { phase: 'grace' }, 1000 + DAY);
  expect(later.publicKeys).toBe(C.publicKey + B.publicKey);
  expect(changeKeys(later, { phase: 'grace' }, 5000 + DAY).publicKeys).toBe(C.publicKey);
});

test('going back to an earlier pair keeps what the later one has signed', () => {
  const back = to(to(OF_A, B, 1000), A, 2000);
  expect(back).toMatchObject({ privateKey: A.privateKey, publicKeys: A.publicKey + B.publicKey });
  expect(changeKeys(back, { phase: 'grace' }, 2000 + DAY).publicKeys).toBe(A.publicKey);
});

test('without a grace nothing is kept, as before', () => {
  expect(to(OF_A, B, 1000, 0)).toEqual({
    ...OF_A,
    privateKey: B.privateKey,
    publicKeys: B.publicKey,
  });
});

test('the same pair again changes nothing', () => {
  const both = to(OF_A, B, 1000);
  expect(to(both, B, 2000)).toEqual(both);
});

test('in trust the new key verifies, the old one signs; in retire it goes with its grace, or at once', () => {
  const accepted = changeKeys(OF_A, { phase: 'trust', pair: B, graceMs: DAY }, 0);
  expect(accepted).toEqual({ ...OF_A, publicKeys: A.publicKey + B.publicKey, next: B });
  expect(isAccepted(accepted, B) && !isSigning(accepted, B) && isSigning(accepted, A)).toBe(true);
  // Nobody has rotated: then it is the new one that goes.
  expect(changeKeys(accepted, { phase: 'retire', graceMs: DAY }, 0)).toEqual(OF_A);
  const signing = changeKeys(accepted, { phase: 'reissue', pair: B, graceMs: DAY }, 0);
  // Who asks for the next phase need not have the pair any more.
  expect(changeKeys(accepted, { phase: 'reissue', pair: undefined, graceMs: DAY }, 0)).toEqual(signing);
  expect(changeKeys(signing, { phase: 'reissue', pair: undefined, graceMs: DAY }, 0)).toBe(signing);
  // The grace that it has goes on; a shorter one counts from now.
  expect(changeKeys(signing, { phase: 'retire', graceMs: DAY }, 1000)).toEqual(signing);
  const sooner = changeKeys(signing, { phase: 'retire', graceMs: 100 }, 1000);
  expect(sooner).toEqual({ ...signing, leaving: [{ key: signing.leaving[0]?.key, until: 1100 }] });
  expect(changeKeys(signing, { phase: 'retire', graceMs: 0 }, 0)).toEqual({
    privateKey: B.privateKey,
    publicKeys: B.publicKey,
    leaving: [],
    next: undefined,
  });
});

test('a file that nobody can read as keys is left alone by retire, and replaced by a new pair', () => {
  const junk = { ...NONE, privateKey: 'junk', publicKeys: 'junk' };
  expect(changeKeys(junk, { phase: 'retire', graceMs: 0 }, 0)).toEqual(junk);
  expect(to(junk, B)).toMatchObject({ privateKey: B.privateKey, publicKeys: B.publicKey, leaving: [] });
});

test('a private key among the public ones verifies on, as a public one', () => {
  const { publicKeys = '' } = to({ ...OF_A, publicKeys: A.privateKey }, B);
  expect(publicKeys).not.toContain('PRIVATE');
  expect(publicKeys).toBe(B.publicKey + A.publicKey);
});

test('whatever happens, the key that signs verifies, no key is there twice, and none outlives its grace', () => {
  const step = fc.record({
    phase: fc.constantFrom('all', 'trust', 'reissue', 'retire', 'grace'),
    index: fc.nat({ max: 2 }),
    graceMs: fc.constantFrom(0, 100, DAY),
    wait: fc.nat({ max: 500 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let [keys, at]: [ServiceAccountKeys, number] = [OF_A, 0];
      for (const { phase, index, graceMs, wait } of steps) {
        at += wait;
        const change =
          phase === 'grace'
            ? { phase }
            : phase === 'retire'
              ? { phase, graceMs }
              : { phase, pair: pair(index), graceMs };
        keys = changeKeys(keys, change, at);
        const signer = createPublicKey(keys.privateKey ?? '').export({ type: 'spki', format: 'pem' });
        const there = keys.publicKeys?.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n/g) ?? [];
        expect(there).toContain(signer);
        expect(new Set(there).size).toBe(there.length);
        expect(keys.leaving.length).toBeLessThan(there.length);
        expect(Math.max(0, ...keys.leaving.map(({ until }) => until))).toBeLessThanOrEqual(at + DAY);
        if (phase === 'grace') expect(keys.leaving.every(({ until }) => until > at)).toBe(true);
        if (phase === 'retire') expect(keys.leaving).toHaveLength(there.length - 1);
        if (phase === 'retire' && graceMs === 0) expect(there).toHaveLength(1);
        if (keys.next) expect(there).toContain(keys.next.publicKey);
        if (phase !== 'trust' && phase !== 'grace') expect(keys.next).toBeUndefined();
      }
    }),
  );
});
