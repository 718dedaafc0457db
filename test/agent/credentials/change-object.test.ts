import { describe, expect, test } from 'vitest';
import { changeOne, listAll } from '../../../agent/credentials/change-object.ts';
import { changeBundles, holdsBundle } from '../../../agent/credentials/object-bundle.ts';
import type { ObjectLogin } from '../../../agent/credentials/object-login.ts';
import type { HeldObject, KubernetesObjects, Written } from '../../../src/services/kubernetes-objects.ts';
import { NEVER } from '../../src/support/clock.ts';
import { faultIn } from '../../src/support/outcome-of.ts';

const OF = 'Secret shop/login';
const object = (version: string, data: Record<string, string> = {}): HeldObject => ({
  kind: 'secrets',
  namespace: 'shop',
  name: 'login',
  version,
  data: new Map(Object.entries(data).map(([key, text]) => [key, Buffer.from(text)])),
  lastApplied: undefined,
});

/** An API with one object, whose version grows; it answers writes in turn, the last answer stays. */
function apiOf(answers: Written[], data?: Record<string, string>) {
  const written: { version: string; data: unknown }[] = [];
  let version = 0;
  const left = [...answers];
  const api: KubernetesObjects = {
    list: async (kind) => await Promise.resolve(kind === 'secrets' ? [object('0', data)] : []),
    read: async () => {
      version += 1;
      return await Promise.resolve(object(`${version}`, data));
    },
    write: async (one, changes) => {
      const texts = new Map([...changes.data].map(([key, content]) => [key, content.toString()]));
      written.push({ version: one.version, data: Object.fromEntries(texts) });
      return await Promise.resolve((left.length > 1 ? left.shift() : left[0]) ?? 'written');
    },
  };
  return { api, written };
}
const changing = (): ObjectLogin => ({
  changes: { data: new Map([['a', Buffer.from('new')]]) },
  left: [{ code: 'nameless', key: 'b' }],
});
const nothing = (): ObjectLogin => ({ ...changing(), changes: { data: new Map() } });
const LEFT = { code: 'object-left', of: OF };

describe('changeOne', () => {
  test('writes the change, and names the keys that are left', async () => {
    const { api, written } = apiOf(['written']);
    expect(await changeOne(object('0'), changing, api, NEVER)).toMatchObject([
      { code: 'object-changed', of: OF },
      LEFT,
    ]);
    expect(written).toEqual([{ version: '1', data: { a: 'new' } }]);
  });

  test('reads the object again after a conflict, and writes the newer version', async () => {
    const { api, written } = apiOf(['conflict', 'conflict', 'written']);
    await changeOne(object('0'), changing, api, NEVER);
    expect(written.map(({ version }) => version)).toEqual(['1', '2', '3']);
  });

  test('gives up an object that others keep changing, to try it later', async () => {
    const { api } = apiOf(['conflict']);
    expect((await faultIn(changeOne(object('0'), changing, api, NEVER))).code).toBe('not-yet');
  });

  test('reports an immutable object, and ignores one that is gone', async () => {
    expect(await changeOne(object('0'), changing, apiOf(['refused']).api, NEVER)).toMatchObject([LEFT]);
    expect(await changeOne(object('0'), changing, apiOf(['gone']).api, NEVER)).toEqual([]);
    const gone = { ...apiOf([]).api, read: async () => await Promise.resolve(undefined) };
    expect(await changeOne(object('0'), changing, gone, NEVER)).toEqual([]);
  });

  test('writes nothing if nothing changes', async () => {
    const { api, written } = apiOf([]);
    expect(await changeOne(object('0'), nothing, api, NEVER)).toMatchObject([LEFT]);
    expect(written).toEqual([]);
  });
});

test('lists Secrets and config maps', async () => {
  expect(await listAll(apiOf([]).api, NEVER)).toHaveLength(1);
});

describe('a CA bundle', () => {
  test('is found whatever white space surrounds it; an empty one is in no object', () => {
    expect(holdsBundle(object('0', { ca: '\nbundle\n\n' }), 'bundle\n')).toBe(true);
    expect(holdsBundle(object('0', { ca: 'bundle and more' }), 'bundle')).toBe(false);
    expect(holdsBundle(object('0', { ca: '\n' }), '')).toBe(false);
  });

  test('is replaced in the keys that hold a former one', async () => {
    const data = { a: 'first\n', b: 'second', c: 'other' };
    const { api, written } = apiOf(['written'], data);
    const objects = [object('0', data), object('0', { a: 'other' })];
    await changeBundles(objects, ['first', 'second'], 'new\n', api, NEVER);
    expect(written).toEqual([{ version: '1', data: { a: 'new\n', b: 'new\n' } }]);
  });
});
