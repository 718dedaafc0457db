import { expect, test } from 'vitest';
import { withUserName } from '../../../agent/credentials/user-name.ts';
import type { Change, CredentialSet } from '../../../src/files/credential-file.ts';

const OLD: CredentialSet = {
  user: 'u1',
  userName: 'old',
  domain: 'old-domain',
  password: 'p',
  trust: 't',
  region: 'R',
  authUrl: 'http://k',
};
const change = (given: Change['given'], over: Partial<CredentialSet> = {}): Change => ({
  old: OLD,
  fresh: { ...OLD, user: 'u2', ...over },
  given,
});
const told = (user: { name: string; domain: string } | undefined) => ({
  user: async () => await Promise.resolve(user),
});
const KEYSTONE = told({ name: 'new', domain: 'new-domain' });

test('learns name and domain of another user from Keystone', async () => {
  const { fresh, given, old } = await withUserName(change(['user', 'password']), KEYSTONE);
  expect(fresh).toMatchObject({ user: 'u2', userName: 'new', domain: 'new-domain' });
  expect(given).toEqual(['user', 'password', 'userName', 'domain']);
  expect(old).toBe(OLD);
});

test('asks nothing if the user stays', async () => {
  const one = change(['password']);
  const asked = { user: async () => await Promise.reject(new Error('Keystone is asked')) };
  expect(await withUserName(one, asked)).toBe(one);
});

test('prefers a name that was given', async () => {
  const one = change(['user', 'userName'], { userName: 'given' });
  expect(await withUserName(one, KEYSTONE)).toMatchObject({
    fresh: { userName: 'given', domain: 'new-domain' },
    given: ['user', 'userName', 'domain'],
  });
});

test('a name that Keystone does not tell is empty, and not the former one', async () => {
  expect((await withUserName(change(['user']), told(undefined))).fresh).toMatchObject({
    userName: '',
    domain: '',
  });
});
