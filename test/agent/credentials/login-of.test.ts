import { expect, test } from 'vitest';
import { credentialsOf } from '../../../agent/credentials/login-of.ts';

test('reads the login from the keys that Magnum writes, and a missing one as empty', () => {
  const params = new Map([
    ['TRUSTEE_USER_ID', 'id'],
    ['TRUSTEE_USERNAME', 'name'],
    ['TRUSTEE_DOMAIN_ID', 'domain'],
    ['TRUSTEE_PASSWORD', 'password'],
    ['REGION_NAME', 'region'],
    ['AUTH_URL', 'http://k/v3'],
  ]);
  expect(credentialsOf(params)).toEqual({
    user: 'id',
    userName: 'name',
    domain: 'domain',
    password: 'password',
    trust: '',
    region: 'region',
    authUrl: 'http://k/v3',
  });
});
