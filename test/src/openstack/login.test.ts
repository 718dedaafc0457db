import { describe, expect, test } from 'vitest';
import { authOf, describeLogin, type Login, secretOf } from '../../../src/openstack/login.ts';

const NODE: Login = {
  authUrl: 'http://k/v3',
  userId: 'u',
  password: 'the secret',
  scope: { trustId: 't' },
  region: undefined,
};
const PERSON = { authUrl: 'http://k/v3', region: undefined, side: 'public' } as const;
const USER = { name: 'ann', domain: { name: 'Default' } };

/** Requests as in the API reference of Keystone v3, "Authentication and token management", and OS-TRUST. */
const CASES: [string, Login, unknown][] = [
  [
    'a trustee',
    NODE,
    {
      identity: { methods: ['password'], password: { user: { id: 'u', password: 'the secret' } } },
      scope: { 'OS-TRUST:trust': { id: 't' } },
    },
  ],
  [
    'a user of a stack domain',
    { ...NODE, scope: { projectId: 'p' } },
    {
      identity: { methods: ['password'], password: { user: { id: 'u', password: 'the secret' } } },
      scope: { project: { id: 'p' } },
    },
  ],
  [
    'a person with a password',
    {
      ...PERSON,
      proof: { method: 'password', user: USER, password: 'the secret' },
      scope: { project: { name: 'demo', domain: { id: 'default' } } },
    },
    {
      identity: {
        methods: ['password'],
        password: { user: { name: 'ann', domain: { name: 'Default' }, password: 'the secret' } },
      },
      scope: { project: { name: 'demo', domain: { id: 'default' } } },
    },
  ],
  [
    'a token',
    { ...PERSON, proof: { method: 'token', token: 'the secret' }, scope: { project: { id: 'p' } } },
    { identity: { methods: ['token'], token: { id: 'the secret' } }, scope: { project: { id: 'p' } } },
  ],
  [
    'an application credential, which includes its scope',
    {
      ...PERSON,
      proof: {
        method: 'application_credential',
        credential: { name: 'robot', user: USER },
        secret: 'the secret',
      },
      scope: undefined,
    },
    {
      identity: {
        methods: ['application_credential'],
        application_credential: { name: 'robot', user: USER, secret: 'the secret' },
      },
    },
  ],
];

describe.each(CASES)('%s', (_, login, auth) => {
  test("sends the request of Keystone's API reference", () => {
    expect(authOf(login)).toEqual(auth);
  });

  test('is described without its secret', () => {
    expect(secretOf(login)).toBe('the secret');
    expect(describeLogin(login)).not.toContain('the secret');
  });
});
