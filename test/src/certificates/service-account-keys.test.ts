import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  changeKeys,
  isAccepted,
  isInPlace,
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

test('gives a node without keys the pair as sent', () => {
  expect(to(NONE, A)).toEqual(OF_A);
  expect(changeKeys(NONE, { phase: 'trust', pair: A, graceMs: DAY }, 0)).toEqual(OF_A);
});

test('signs with a new pair, and verifies with the old public key until its grace ends', () => {
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

test('does not prolong the grace of the first pair for a third', () => {
  const three = to(to(OF_A, B, 1000), C, 5000);
  expect(three.publicKeys).toBe(C.publicKey + B.publicKey + A.publicKey);
  const later = changeKeys(three, { phase: 'grace' }, 1000 + DAY);
  expect(later.publicKeys).toBe(C.publicKey + B.publicKey);
  expect(changeKeys(later, { phase: 'grace' }, 5000 + DAY).publicKeys).toBe(C.publicKey);
});

test('keeps the later pair verifying when it goes back to an earlier one', () => {
  const back = to(to(OF_A, B, 1000), A, 2000);
  expect(back).toMatchObject({ privateKey: A.privateKey, publicKeys: A.publicKey + B.publicKey });
  expect(changeKeys(back, { phase: 'grace' }, 2000 + DAY).publicKeys).toBe(A.publicKey);
});

test('a pair is in place when it signs, or when it is the next after trust, and no other pair is the next', () => {
  const trusting = changeKeys(OF_A, { phase: 'trust', pair: B, graceMs: DAY }, 0);
  const places = (keys: ServiceAccountKeys): boolean[] =>
    [A, B].flatMap((one) => [isInPlace(keys, 'trust', one), isInPlace(keys, 'all', one)]);
  expect(places(OF_A)).toEqual([true, true, false, false]);
  expect(places(trusting)).toEqual([false, false, true, false]);
  expect(places(to(OF_A, B))).toEqual([false, false, true, true]);
});

test.each(['trust', 'all'] as const)('going back with %s forgets the next pair', (phase) => {
  const trusting = changeKeys(OF_A, { phase: 'trust', pair: B, graceMs: DAY }, 0);
  const back = changeKeys(trusting, { phase, pair: A, graceMs: DAY }, 0);
  expect([back.next, back.privateKey, isInPlace(back, phase, A)]).toEqual([undefined, A.privateKey, true]);
});

test('keeps no old key without a grace', () => {
  expect(to(OF_A, B, 1000, 0)).toEqual({
    ...OF_A,
    privateKey: B.privateKey,
    publicKeys: B.publicKey,
  });
});

test('changes nothing for the same pair', () => {
  const both = to(OF_A, B, 1000);
  expect(to(both, B, 2000)).toEqual(both);
});

test('trust: verifies with the new key and signs with the old; retire: drops the old with its grace or at once', () => {
  const accepted = changeKeys(OF_A, { phase: 'trust', pair: B, graceMs: DAY }, 0);
  expect(accepted).toEqual({ ...OF_A, publicKeys: A.publicKey + B.publicKey, next: B });
  expect(isAccepted(accepted, B) && !isSigning(accepted, B) && isSigning(accepted, A)).toBe(true);
  // Without a rotation in between, the new key is the one to drop.
  expect(changeKeys(accepted, { phase: 'retire', graceMs: DAY }, 0)).toEqual(OF_A);
  const signing = changeKeys(accepted, { phase: 'reissue', pair: B, graceMs: DAY }, 0);
  // A request for the next phase may omit the pair.
  expect(changeKeys(accepted, { phase: 'reissue', pair: undefined, graceMs: DAY }, 0)).toEqual(signing);
  expect(changeKeys(signing, { phase: 'reissue', pair: undefined, graceMs: DAY }, 0)).toBe(signing);
  // The current grace continues; a shorter one counts from now.
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

test('leaves a file with unreadable keys alone in retire, and replaces it with a new pair', () => {
  const junk = { ...NONE, privateKey: 'junk', publicKeys: 'junk' };
  expect(changeKeys(junk, { phase: 'retire', graceMs: 0 }, 0)).toEqual(junk);
  expect(to(junk, B)).toMatchObject({ privateKey: B.privateKey, publicKeys: B.publicKey, leaving: [] });
});

test('keeps a private key among the public ones verifying, as a public key', () => {
  const { publicKeys = '' } = to({ ...OF_A, publicKeys: A.privateKey }, B);
  expect(publicKeys).not.toContain('PRIVATE');
  expect(publicKeys).toBe(B.publicKey + A.publicKey);
});

test('always verifies with the signing key, repeats no key, and keeps none beyond its grace', () => {
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
