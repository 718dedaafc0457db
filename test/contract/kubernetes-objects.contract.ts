import { expect, test } from 'vitest';
import { type HeldObject, LAST_APPLIED, type ObjectKind } from '../../src/services/kubernetes-objects.ts';
import { readsOf } from '../../src/services/pod-spec.ts';
import type { KubernetesBench } from './kubernetes-bench.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** What Secrets and config maps hold, and how it is replaced. */
export function objectsContract(bench: KubernetesBench): void {
  const { ask, abort, objects } = bench;

  async function make(kind: ObjectKind, name: string, object: Record<string, unknown>): Promise<void> {
    const metadata = { name, annotations: { [LAST_APPLIED]: '{"old":true}' } };
    const body = { apiVersion: 'v1', kind: kind === 'secrets' ? 'Secret' : 'ConfigMap', metadata, ...object };
    expect(await ask('POST', `/api/v1/namespaces/shop/${kind}`, body)).toMatchObject({ status: 201 });
  }
  async function find(kind: ObjectKind, name: string): Promise<HeldObject> {
    const found = (await objects().list(kind, abort)).find((one) => one.name === name);
    if (!found) throw new Error(`no ${kind} ${name}`);
    return found;
  }
  const change = { data: new Map([['a', Buffer.from('new')]]), lastApplied: '{"new":true}' };

  test.each([
    ['secrets', { type: 'Opaque', data: { a: base64('old'), b: base64('stays') } }],
    ['configmaps', { data: { a: 'old', b: 'stays' } }],
  ] as const)('a value of %s is replaced, and only in the version that was read', async (kind, object) => {
    await make(kind, 'login', object);
    const before = await find(kind, 'login');
    expect(before).toMatchObject({
      namespace: 'shop',
      data: new Map([
        ['a', Buffer.from('old')],
        ['b', Buffer.from('stays')],
      ]),
      lastApplied: '{"old":true}',
    });
    expect(await objects().write(before, change, abort)).toBe('written');
    expect(await objects().write(before, change, abort)).toBe('conflict');
    expect(await objects().read(before, abort)).toMatchObject({
      data: new Map([
        ['a', Buffer.from('new')],
        ['b', Buffer.from('stays')],
      ]),
      lastApplied: '{"new":true}',
    });
    const nowhere = { ...before, name: 'nowhere' };
    expect(await objects().write(nowhere, change, abort)).toBe('gone');
    expect(await objects().read(nowhere, abort)).toBeUndefined();
  });

  test('an immutable object refuses a change', async () => {
    await make('secrets', 'fixed', { type: 'Opaque', immutable: true, data: { a: base64('old') } });
    expect(await objects().write(await find('secrets', 'fixed'), change, abort)).toBe('refused');
    expect((await find('secrets', 'fixed')).data.get('a')?.toString()).toBe('old');
  });

  test('tokens of service accounts are not listed', async () => {
    await bench.subject.addLegacyToken('shop', 'a-token');
    const names = (await objects().list('secrets', abort)).map(({ name }) => name);
    expect(names).toContain('fixed');
    expect(names).not.toContain('a-token');
  });

  test('a workload is listed with the spec of its pods', async () => {
    const { spec } = await bench.workload('deployments', 'shop', 'a');
    expect(spec.template.spec?.containers).toHaveLength(1);
    expect(readsOf(spec.template.spec)).toMatchObject({ hostPaths: [], secrets: new Set() });
  });
}
