import { expect, test } from 'vitest';
import { createRetry } from '../../../src/base/retry.ts';
import {
  createKubernetesObjects,
  type HeldObject,
  LAST_APPLIED,
  nameOfObject,
} from '../../../src/services/kubernetes-objects.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { NEVER, testClock } from '../support/clock.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const textsOf = ({ data }: HeldObject): Record<string, string> =>
  Object.fromEntries([...data].map(([key, content]) => [key, content.toString()]));

function setUp() {
  const api = createKubernetes();
  const put = (kind: string, name: string, object: Record<string, unknown>): void => {
    api.core.put(kind, 'n', name, object);
  };
  put('secrets', 'login', {
    type: 'Opaque',
    metadata: { annotations: { [LAST_APPLIED]: '{}' } },
    data: { 'cloud.conf': base64('é'), empty: null },
  });
  put('secrets', 'token', { type: 'kubernetes.io/service-account-token', data: {} });
  put('secrets', 'release', { type: 'helm.sh/release.v1', data: {} });
  put('configmaps', 'conf', { data: { a: 'é' } });
  put('configmaps', 'bare', {});
  const retry = createRetry({ clock: testClock(), random: () => 1, onRetry: () => undefined });
  const objects = createKubernetesObjects(api.askAs('system:masters'), retry, {
    baseMs: 1,
    capMs: 1,
    forMs: 1,
  });
  const read = async (kind: HeldObject['kind'], name: string): Promise<HeldObject> => {
    const found = await objects.read({ kind, namespace: 'n', name }, NEVER);
    if (!found) throw new Error(`no ${name}`);
    return found;
  };
  return { api, objects, put, read };
}

test('lists Secrets without tokens and releases, and config maps, with decoded values', async () => {
  const { objects } = setUp();
  const secrets = await objects.list('secrets', NEVER);
  expect(secrets.map((one) => [nameOfObject(one), textsOf(one), one.lastApplied])).toEqual([
    ['Secret n/login', { 'cloud.conf': 'é', empty: '' }, '{}'],
  ]);
  const maps = await objects.list('configmaps', NEVER);
  expect(maps.map((one) => [nameOfObject(one), textsOf(one), one.lastApplied])).toEqual([
    ['ConfigMap n/conf', { a: 'é' }, undefined],
    ['ConfigMap n/bare', {}, undefined],
  ]);
});

test('replaces values of an object as it was read, and keeps its others', async () => {
  const { api, objects, read } = setUp();
  const login = await read('secrets', 'login');
  const data = new Map([['cloud.conf', Buffer.from('ü')]]);
  expect(await objects.write(login, { data, lastApplied: '{"a":1}' }, NEVER)).toBe('written');
  expect(api.core.find('secrets', 'n', 'login')).toMatchObject({
    type: 'Opaque',
    metadata: { annotations: { [LAST_APPLIED]: '{"a":1}' } },
    data: { 'cloud.conf': base64('ü') },
  });
  const conf = await read('configmaps', 'conf');
  expect(await objects.write(conf, { data: new Map([['a', Buffer.from('ü')]]) }, NEVER)).toBe('written');
  expect(api.core.find('configmaps', 'n', 'conf')).toMatchObject({ data: { a: 'ü' } });
});

test('says why it could not write', async () => {
  const { api, objects, put, read } = setUp();
  const before = await read('secrets', 'login');
  const changes = { data: new Map([['a', Buffer.from('b')]]) };
  put('secrets', 'login', { type: 'Opaque', data: {} });
  expect(await objects.write(before, changes, NEVER)).toBe('conflict');
  put('secrets', 'login', { type: 'Opaque', immutable: true, data: {} });
  expect(await objects.write(await read('secrets', 'login'), changes, NEVER)).toBe('refused');
  api.core.remove('secrets', 'n', 'login');
  expect(await objects.write(before, changes, NEVER)).toBe('gone');
  expect(await objects.read(before, NEVER)).toBeUndefined();
  api.instead = () => ({ status: 403, body: { kind: 'Status' } });
  expect(await objects.write(before, changes, NEVER)).toBe('refused');
});
