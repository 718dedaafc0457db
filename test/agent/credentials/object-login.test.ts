import { expect, test } from 'vitest';
import { changeObject, formerOf, holdsLogin } from '../../../agent/credentials/object-login.ts';
import type { Change } from '../../../src/files/credential-file.ts';
import type { HeldObject } from '../../../src/services/kubernetes-objects.ts';

const OLD = {
  user: 'a1b2c3d4e5f60718',
  userName: '',
  domain: '',
  password: 'old "pass" word',
  trust: '0f1e2d3c4b5a6978',
  region: 'RegionOne',
  authUrl: 'http://keystone/v3',
};
const FRESH = { ...OLD, user: 'feedfeedfeedfeed', password: 'new-password', trust: 'beefbeefbeefbeef' };
const CHANGE: Change = { old: OLD, fresh: FRESH, given: ['user', 'password', 'trust'] };

const INI = `[Global]\nuser-id=${OLD.user}\npassword="old \\"pass\\" word"\ntrust-id=${OLD.trust}\n`;
const INI_WANTED = `[Global]\nuser-id=${FRESH.user}\npassword="new-password"\ntrust-id=${FRESH.trust}\n`;

const object = (data: Record<string, string | Buffer>, lastApplied?: unknown): HeldObject => ({
  kind: 'secrets',
  namespace: 'kube-system',
  name: 'x',
  version: '1',
  data: new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value)])),
  lastApplied: lastApplied === undefined ? undefined : `${JSON.stringify(lastApplied)}\n`,
});
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const textsOf = (data: ReadonlyMap<string, Buffer>) =>
  Object.fromEntries([...data].map(([key, content]) => [key, content.toString()]));

test('changes INI inside of a value, and what kubectl keeps of the object', () => {
  const applied = { kind: 'Secret', metadata: { name: 'x' }, stringData: { conf: INI } };
  const before = object({ conf: INI, other: 'stays' }, applied);
  expect(holdsLogin(before, formerOf(CHANGE))).toBe(true);
  const { changes, left } = changeObject(before, CHANGE);
  expect([textsOf(changes.data), left]).toEqual([{ conf: INI_WANTED }, []]);
  expect(changes.lastApplied).toBe(`${JSON.stringify({ ...applied, stringData: { conf: INI_WANTED } })}\n`);
});

test('changes base64 that kubectl keeps of a Secret', () => {
  const { changes, left } = changeObject(
    object({ conf: INI_WANTED }, { kind: 'Secret', data: { conf: base64(INI) } }),
    CHANGE,
  );
  expect(left).toEqual([]);
  expect(JSON.parse(changes.lastApplied ?? '')).toEqual({
    kind: 'Secret',
    data: { conf: base64(INI_WANTED) },
  });
});

test('keeps the line end of a value that stands alone', () => {
  const { changes, left } = changeObject(
    object({ 'os-trustID': `${OLD.trust}\n`, 'os-trusteeID': OLD.user, 'os-trusteePassword': OLD.password }),
    CHANGE,
  );
  expect([textsOf(changes.data), left]).toEqual([
    { 'os-trustID': `${FRESH.trust}\n`, 'os-trusteeID': FRESH.user, 'os-trusteePassword': FRESH.password },
    [],
  ]);
});

test.each([
  ['a password without a user', { password: OLD.password }, [{ code: 'nameless', key: 'password' }]],
  ['text of no known kind', { xml: `<t>${OLD.trust}</t>` }, [{ code: 'not-understood', key: 'xml' }]],
  [
    'base64 of a text around it',
    { b64: Buffer.from(`xy${OLD.trust}z`).toString('base64') },
    [{ code: 'not-understood', key: 'b64' }],
  ],
  ['JSON', { json: JSON.stringify({ p: OLD.password }) }, [{ code: 'not-understood', key: 'json' }]],
])('leaves and names %s', (_, data, left) => {
  expect(holdsLogin(object(data), formerOf(CHANGE))).toBe(true);
  expect(changeObject(object(data), CHANGE)).toEqual({
    changes: { data: new Map(), lastApplied: undefined },
    left,
  });
});

test('finds nothing in the objects of others', () => {
  const elses = object({ conf: INI.replace(OLD.trust, 'x').replace(OLD.user, 'y').replace('pass\\', 'x\\') });
  expect(holdsLogin(elses, formerOf(CHANGE))).toBe(false);
  // A password alone changes: the trust says nothing.
  const sameTrust = { ...CHANGE, fresh: { ...OLD, password: 'new-password' } };
  expect(formerOf(sameTrust)).toEqual({ trust: '', password: OLD.password });
});
