import { expect, test } from 'vitest';
import { type PersonSettings, readPersonLogin } from '../../../agent/compose/person-login.ts';
import { explain } from '../../../src/base/errors.ts';
import { thrownBy } from '../../src/support/outcome-of.ts';

const auth = (more: object, beside: object = {}): PersonSettings =>
  readPersonLogin({
    name: 'the cloud one',
    settings: { ...beside, auth: { auth_url: 'http://k', ...more } },
  });

test('accepts ids, domain names, one domain for both, or none', () => {
  expect(auth({ user_id: 'u', password: 'x', project_id: 'p' }).login).toMatchObject({
    proof: { user: { id: 'u' } },
    scope: { project: { id: 'p' } },
  });
  const named = { username: 'a', password: 'x', project_name: 'p' };
  expect(auth({ ...named, user_domain_name: 'Users', project_domain_id: 'd1' }).login).toMatchObject({
    proof: { user: { name: 'a', domain: { name: 'Users' } } },
    scope: { project: { name: 'p', domain: { id: 'd1' } } },
  });
  expect(auth({ ...named, domain_name: 'Both' }).login).toMatchObject({
    proof: { user: { domain: { name: 'Both' } } },
    scope: { project: { domain: { name: 'Both' } } },
  });
  expect(auth(named, { default_domain: 'd2' }).login).toMatchObject({
    scope: { project: { domain: { id: 'd2' } } },
  });
});

test('has no scope with an application credential', () => {
  const given = { application_credential_id: 'i', application_credential_secret: 's' };
  const expected = {
    proof: { method: 'application_credential', credential: { id: 'i' }, secret: 's' },
    scope: undefined,
  };
  expect(auth(given, { auth_type: 'v3applicationcredential' }).login).toMatchObject(expected);
  expect(auth(given).login).toMatchObject(expected);
});

test('reads interface, regions, CA file and verify', () => {
  const login = { user_id: 'u', password: 'x', project_id: 'p' };
  expect(
    auth(login, { interface: 'internal', regions: [{ name: 'r1' }, 'r2'], cacert: '/ca.pem' }),
  ).toMatchObject({
    caFile: '/ca.pem',
    verify: true,
    login: { side: 'internal', region: 'r1' },
  });
  expect(auth(login, { endpoint_type: 'adminURL', verify: false })).toMatchObject({
    verify: false,
    login: { side: 'admin' },
  });
  expect(auth(login, { insecure: 'true' }).verify).toBe(false);
});

test.each([
  [{ username: 'a', project_id: 'p' }, 'missing', 'auth.password'],
  [{ password: 'hunter22', project_id: 'p' }, 'missing', 'auth.username'],
  [{ user_id: 'u', password: 'hunter22' }, 'missing', 'auth.project_name'],
  [
    { application_credential_id: 'i', auth_type: 'v3applicationcredential' },
    'missing',
    'auth.application_credential_secret',
  ],
  [{ auth_type: 'v3kerberos' }, 'auth-type-not-served', 'v3kerberos'],
])('%j is rejected without quoting a value', (given, reason, named) => {
  const error = thrownBy(() => auth(given));
  expect(error).toMatchObject({ code: 'config', reason });
  expect(explain(error)).toContain(named);
  expect(explain(error)).not.toContain('hunter22');
});

test('names a missing setting as the person wrote it', () => {
  const settings = { auth_url: 'http://k', username: 'a', project_id: 'p' };
  const missing = (more: object): string =>
    thrownBy(() => readPersonLogin({ name: 'it', settings, ...more })).message;
  expect(missing({ isEnvironment: true })).toContain('OS_PASSWORD');
  expect(missing({})).toContain('auth.password');
});

test('prefers an application credential to a password, and a password to a token', () => {
  const all = { user_id: 'u', password: 'x', token: 't', project_id: 'p' };
  const secret = { application_credential_name: 'n', application_credential_secret: 's' };
  expect(auth({ ...all, ...secret }).login.proof).toEqual({
    method: 'application_credential',
    credential: { name: 'n', user: { id: 'u' } },
    secret: 's',
  });
  expect(auth(all).login.proof.method).toBe('password');
  expect(auth({ ...all, password: '' }).login.proof).toEqual({ method: 'token', token: 't' });
});

test('is scoped to a trust before a project', () => {
  const login = { user_id: 'u', password: 'x', project_id: 'p', trust_id: 't' };
  expect(auth(login).login.scope).toEqual({ trustId: 't' });
});

test.each([
  [{ region_name: 'r1,r2' }, 'r1'],
  [{ region_name: ['r1', 'r2'] }, 'r1'],
  [{ regions: ['r1', 'r2'] }, 'r1'],
  [{ region_name: 'chosen', regions: ['r1'] }, 'chosen'],
  [{}, undefined],
])('selects one region of %j', (beside, region) => {
  expect(auth({ user_id: 'u', password: 'x', project_id: 'p' }, beside).login.region).toBe(region);
});

test.each(['constructor', 'v2password'])('serves no method called %s', (type) => {
  expect(thrownBy(() => auth({ auth_type: type }))).toMatchObject({ reason: 'auth-type-not-served' });
});
