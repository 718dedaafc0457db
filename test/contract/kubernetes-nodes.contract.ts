import { expect, test } from 'vitest';
import { askPlainly } from './kubernetes-doors.ts';
import type { KubernetesBench } from './kubernetes-bench.ts';

const MERGE = 'application/merge-patch+json';

/** The agents' writes to their Nodes, and which kubelet may make them. */
export function nodesContract(bench: KubernetesBench): void {
  const { abort, ask, nodes } = bench;
  const asKubelet = () => nodes(bench.subject.kubelet);

  test('a kubelet annotates its own Node, and removes an annotation', async () => {
    const other = { metadata: { annotations: { 'example.org/x': 'stays' } } };
    expect((await ask('PATCH', '/api/v1/nodes/worker-0', other, MERGE)).status).toBe(200);
    expect(await asKubelet().write('worker-0', { report: '{}', hold: 'yes' }, abort)).toBe(true);
    expect((await asKubelet().read('worker-0', abort))?.annotations).toEqual({ report: '{}', hold: 'yes' });
    expect(await asKubelet().write('worker-0', { hold: null }, abort)).toBe(true);
    expect((await asKubelet().read('worker-0', abort))?.annotations).toEqual({ report: '{}' });
    const { body } = await ask('GET', '/api/v1/nodes/worker-0');
    expect(body.metadata).toMatchObject({
      annotations: { 'example.org/x': 'stays', 'coe-agent/report': '{}' },
    });
  });

  test('a kubelet may not annotate another Node', async () => {
    await bench.subject.addNode('worker-1', {});
    const kubelet = askPlainly(bench.subject.kubelet);
    const { status, body } = await kubelet('PATCH', '/api/v1/nodes/worker-1', { metadata: {} }, MERGE);
    expect({ status, reason: body['reason'], message: body.message }).toEqual({
      status: 403,
      reason: 'Forbidden',
      message: 'nodes "worker-1" is forbidden: node "worker-0" is not allowed to modify node "worker-1"',
    });
  });

  test('a missing Node can be neither read nor written', async () => {
    expect(await nodes().read('nowhere', abort)).toBeUndefined();
    expect(await nodes().write('nowhere', { report: '{}' }, abort)).toBe(false);
  });

  test('Nodes are listed by name, masters by their labels', async () => {
    await bench.subject.addNode('master-1', { 'node-role.kubernetes.io/control-plane': '' });
    await bench.subject.addNode('master-0', { 'magnum.openstack.org/role': 'master' });
    await bench.subject.addNode('master-2', { 'node-role.kubernetes.io/master': '' });
    await bench.subject.addNode('worker-2', { 'magnum.openstack.org/role': 'worker' });
    const listed = await nodes().list(abort);
    const shown = listed.map(({ name, isMaster }) => `${name} ${isMaster}`);
    const expected = ['master-0 true', 'master-1 true', 'master-2 true', 'worker-0 false', 'worker-2 false'];
    expect(shown.filter((one) => expected.includes(one))).toEqual(expected);
  });

  test('a kubelet lists the pods of its own Node that it has to end', async () => {
    await bench.subject.addNode('worker-3', {});
    await bench.subject.addDeletedPod('shop', 'ends', 'worker-0');
    await bench.subject.addDeletedPod('shop', 'ends-elsewhere', 'worker-3');
    const deleted = await bench.deletedPods('worker-0');
    const of = (name: string) => deleted.filter((one) => one.of === name);
    expect(of('shop/ends')).toMatchObject([{ graceMs: 30_000 }]);
    expect(of('shop/ends')[0]?.uid).toMatch(/./);
    expect(of('shop/ends-elsewhere')).toEqual([]);
  });

  test('a kubelet creates an event on its Node, and the API stores it as kubectl expects', async () => {
    const at = Date.parse('2026-11-28T12:00:00Z');
    const message = 'x'.repeat(2000);
    const event = { reason: 'DeploymentFailed', type: 'Warning', message, at } as const;
    const name = await bench.events().make('worker-0', event, abort);
    const selector = encodeURIComponent('involvedObject.kind=Node,involvedObject.uid=worker-0');
    const { body } = await ask('GET', `/api/v1/namespaces/default/events?fieldSelector=${selector}`);
    const found = body.items?.filter((one) => one['reason'] === 'DeploymentFailed');
    expect(found).toMatchObject([
      {
        type: 'Warning',
        involvedObject: { kind: 'Node', name: 'worker-0', uid: 'worker-0' },
        source: { component: 'coe-agent', host: 'worker-0' },
        firstTimestamp: '2026-11-28T12:00:00Z',
        lastTimestamp: '2026-11-28T12:00:00Z',
        count: 1,
        message: `${'x'.repeat(1023)}…`,
      },
    ]);
    expect(found?.[0]?.metadata.name).toBe(name);
    expect(name).toMatch(/^worker-0\..{5}$/);
  });

  test('a kubelet increments an event, and learns that one has expired', async () => {
    const at = Date.parse('2026-11-28T12:00:00Z');
    const event = { reason: 'RenewalFailed', type: 'Warning', message: 'x', at } as const;
    const name = await bench.events().make('worker-0', event, abort);
    expect(await bench.events().repeat(name, 2, at + 60_000, abort)).toBe(true);
    const { body } = await ask('GET', `/api/v1/namespaces/default/events/${name}`);
    expect(body).toMatchObject({
      count: 2,
      reason: 'RenewalFailed',
      firstTimestamp: '2026-11-28T12:00:00Z',
      lastTimestamp: '2026-11-28T12:01:00Z',
    });
    expect(await bench.events().repeat('worker-0.gone', 2, at, abort)).toBe(false);
  });
}
