import { describe, expect, test } from 'vitest';
import type { Change } from '../../../src/files/credential-file.ts';
import { changeValues, credentialNamed } from '../../../src/files/credential-values.ts';

const OLD = {
  user: 'old-user',
  userName: '',
  domain: '',
  password: 'old-password',
  trust: 'old-trust',
  region: 'RegionOne',
  authUrl: 'http://keystone/v3',
};
const FRESH = { ...OLD, user: 'new-user', password: 'new-password', trust: 'new-trust' };
const CHANGE: Change = { old: OLD, fresh: FRESH, given: ['user', 'password', 'trust'] };

test.each([
  ['os-trustID', 'trust'],
  ['os-trusteeID', 'user'],
  ['os-trusteePassword', 'password'],
  ['os-authURL', 'authUrl'],
  ['os-region', 'region'],
  ['OS_PASSWORD', 'password'],
  ['TRUSTEE_USER_ID', 'user'],
  ['os-certAuthority', undefined],
  ['constructor', undefined],
])('%s is the credential %s', (name, key) => {
  expect(credentialNamed(name)).toBe(key);
});

describe('values that stand alone', () => {
  const login = new Map([
    ['user', 'old-user'],
    ['password', 'old-password'],
    ['trust', 'old-trust'],
  ] as const);

  test('change together, and are not changed again', () => {
    const { changed, left } = changeValues(login, CHANGE);
    expect([Object.fromEntries(changed), left]).toEqual([
      { user: 'new-user', password: 'new-password', trust: 'new-trust' },
      [],
    ]);
    expect(changeValues(changed, CHANGE)).toEqual({ changed: new Map(), left: [] });
  });

  test('stay if the user or the trust is another', () => {
    const other = new Map([...login, ['trust', 'elses'] as const]);
    expect(changeValues(other, CHANGE)).toMatchObject({
      changed: new Map(),
      left: [{ code: 'another', of: 'trust' }],
    });
    expect(changeValues(new Map([['password', 'old-password']]), CHANGE)).toMatchObject({
      left: [{ code: 'nameless' }],
    });
  });

  test('a region of their own stays while the login changes', () => {
    const what: Change = { old: OLD, fresh: { ...FRESH, region: 'South' }, given: ['trust', 'region'] };
    const { changed, left } = changeValues(new Map([...login, ['region', 'North'] as const]), what);
    expect([Object.fromEntries(changed), left]).toMatchObject([
      { trust: 'new-trust' },
      [{ code: 'another', of: 'region' }],
    ]);
  });
});
