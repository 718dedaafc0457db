import { describe, expect, test } from 'vitest';
import type { LegacyToken, Pod, ServiceAccount } from '../../../src/services/kubernetes-trust.ts';
import {
  namesOf,
  podsOnFormerTokens,
  renewTokens,
  type SignedBy,
  type TokenHands,
} from '../../../src/services/legacy-tokens.ts';
import { NEVER, testClock } from '../support/clock.ts';

/** A Secret's token names the key that signed it. */
const signedBy = (token: string): SignedBy => (token === 'signer' || token === 'accepted' ? token : 'none');
const secret = (name: string, token: string, clearedAt?: number): LegacyToken => ({
  namespace: 'n',
  name,
  account: `of ${name}`,
  version: '1',
  token,
  clearedAt,
});
const pod = (name: string, ...secrets: string[]): Pod => ({ namespace: 'n', name, startedAt: 1, secrets });
const account = (name: string, ...secrets: string[]): ServiceAccount => ({
  namespace: 'n',
  name,
  version: '1',
  secrets,
});

const nobody = async (): Promise<never> => await Promise.reject(new Error('nobody is asked here'));

/** Runs one pass over a cluster with these Secrets. */
async function look(
  tokens: LegacyToken[],
  { pods = [], accounts = [], other }: { pods?: Pod[]; accounts?: ServiceAccount[]; other?: string } = {},
) {
  const cleared: string[] = [];
  const left = new Map<string, readonly string[]>();
  const hands: TokenHands = {
    clock: testClock(),
    signedBy,
    otherSigner: async () => await Promise.resolve(other),
    trust: {
      legacyTokens: async () => await Promise.resolve(tokens),
      clearToken: async ({ name }) => {
        cleared.push(name);
        return await Promise.resolve(true);
      },
      pods: async () => await Promise.resolve(pods),
      serviceAccounts: async () => await Promise.resolve(accounts),
      setSecrets: async ({ name }, secrets) => {
        left.set(name, secrets);
        return await Promise.resolve(true);
      },
      clientTrust: nobody,
      writeClientTrust: nobody,
      apiServers: nobody,
    },
  };
  const missing = await renewTokens(hands, NEVER);
  return { missing: missing?.code, cleared, left: Object.fromEntries(left) };
}

const NOTHING = { missing: undefined, cleared: [], left: {} };

describe('a legacy token', () => {
  test('of the signing key stays unchanged', async () => {
    expect(await look([secret('a', 'signer')])).toEqual(NOTHING);
  });

  test('that no key verifies is cleared', async () => {
    expect(await look([secret('a', 'signer'), secret('b', 'lost')])).toEqual({
      ...NOTHING,
      missing: 'waits',
      cleared: ['b'],
    });
  });

  test('that is cleared and not signed again yet is awaited', async () => {
    expect(await look([secret('a', '', 1), secret('b', 'lost')])).toEqual({ ...NOTHING, missing: 'waits' });
  });

  test('of a former key stays, and its service account gets another for new pods', async () => {
    const tokens = [secret('a', 'accepted'), secret('b', 'signer')];
    const accounts = [account('of a', 'a', 'other'), account('of b', 'b')];
    expect(await look(tokens, { pods: [pod('p', 'a')], accounts })).toEqual({
      ...NOTHING,
      missing: 'waits',
      left: { 'of a': ['other'] },
    });
  });

  test.each([
    ['no pod mounts it', [pod('p', 'b')], [account('of a', 'a')]],
    ['its service account no longer gives it to new pods', [pod('p', 'a')], [account('of a')]],
  ])('of a former key is left alone when %s', async (_, pods, accounts) => {
    expect(await look([secret('a', 'accepted')], { pods, accounts })).toEqual(NOTHING);
  });

  test('is left to the master whose controller manager signs', async () => {
    expect(await look([secret('a', 'lost')], { other: 'm1' })).toEqual({ ...NOTHING, missing: 'elsewhere' });
  });
});

test('finds pods that mount a legacy token of a former key in their namespace', () => {
  const tokens = [secret('former', 'accepted'), secret('fresh', 'signer'), secret('lost', 'lost')];
  const pods = [
    pod('on both', 'fresh', 'former'),
    pod('on fresh', 'fresh'),
    pod('on lost', 'lost'),
    { ...pod('of another namespace', 'former'), namespace: 'other' },
  ];
  expect(podsOnFormerTokens(tokens, pods, signedBy).map(({ name }) => name)).toEqual(['on both']);
});

test('names the first few pods', () => {
  const all = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ namespace: 'n', name }));
  expect(namesOf(all.slice(0, 3))).toBe('n/a, n/b, n/c');
  expect(namesOf(all)).toBe('n/a, n/b, n/c and 2 more');
});
