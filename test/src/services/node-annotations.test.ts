import { expect, test } from 'vitest';
import { createRetry } from '../../../src/base/retry.ts';
import type { AskApi } from '../../../src/services/kubernetes-call.ts';
import { createNodeAnnotations, type NodeAnnotations } from '../../../src/services/node-annotations.ts';
import { NEVER, testClock } from '../support/clock.ts';
import { faultIn } from '../support/outcome-of.ts';

type Request = Parameters<AskApi>[0];

/** Makes the client of an API that gives these answers in turn; the last one stays. */
function clientOf(...answers: { status: number; body?: unknown }[]): {
  nodes: NodeAnnotations;
  asked: Request[];
} {
  const asked: Request[] = [];
  const ask: AskApi = async (request) => {
    asked.push(request);
    const { status, body = {} } = (answers.length > 1 ? answers.shift() : answers[0]) ?? { status: 500 };
    return await Promise.resolve({ status, headers: {}, text: JSON.stringify(body) });
  };
  const retry = createRetry({ clock: testClock(), random: () => 1, onRetry: () => undefined });
  return { nodes: createNodeAnnotations(ask, retry, { baseMs: 1, capMs: 1, forMs: 0 }), asked };
}

/** A Node as a 1.20 API server writes it, shortened. */
const worker = {
  kind: 'Node',
  apiVersion: 'v1',
  metadata: {
    name: 'k1-node-0',
    uid: '2f6c',
    labels: { 'kubernetes.io/hostname': 'k1-node-0', 'magnum.openstack.org/role': 'worker' },
    annotations: {
      'coe-agent/report': '{}',
      'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
    },
  },
  spec: {},
  status: {
    conditions: [
      { type: 'MemoryPressure', status: 'False' },
      { type: 'Ready', status: 'True' },
    ],
    addresses: [
      { type: 'Hostname', address: 'k1-node-0' },
      { type: 'InternalIP', address: '10.0.0.5' },
      { type: 'ExternalIP', address: '172.24.4.5' },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10_255 } },
  },
};
const read = async (body: unknown) => await clientOf({ status: 200, body }).nodes.read('k1-node-0', NEVER);
const nodeWith = (over: { labels?: unknown; annotations?: unknown; status?: unknown }): unknown => ({
  metadata: { name: 'n', labels: over.labels, annotations: over.annotations },
  ...('status' in over && { status: over.status }),
});

test('reads the own annotations, the readiness, and the address of the kubelet', async () => {
  expect(await read(worker)).toEqual({
    name: 'k1-node-0',
    isMaster: false,
    isReady: true,
    kubelet: { host: '10.0.0.5', port: 10_255 },
    annotations: { report: '{}' },
  });
});

test('a Node that has just registered is not ready, and has no address', async () => {
  const fresh = { name: 'n', isMaster: false, isReady: false, kubelet: undefined, annotations: {} };
  expect(await read(nodeWith({}))).toEqual(fresh);
  // An API server writes null for an empty list or map.
  const status = { conditions: null, addresses: null, daemonEndpoints: null };
  expect(await read(nodeWith({ labels: null, annotations: null, status }))).toEqual(fresh);
});

test.each(['Unknown', 'False'])('a Node whose condition Ready is %s is not ready', async (state) => {
  const status = { conditions: [{ type: 'Ready', status: state }] };
  expect(await read(nodeWith({ status }))).toMatchObject({ isReady: false });
});

test("takes the kubelet's default port if none, or 0, is published", async () => {
  const addresses = [{ type: 'InternalIP', address: '10.0.0.5' }];
  for (const daemonEndpoints of [{ kubeletEndpoint: { Port: 0 } }, { kubeletEndpoint: {} }, {}])
    expect(await read(nodeWith({ status: { addresses, daemonEndpoints } }))).toMatchObject({
      kubelet: { host: '10.0.0.5', port: 10_250 },
    });
});

test.each([
  [{ 'magnum.openstack.org/role': 'master' }, true],
  [{ 'node-role.kubernetes.io/control-plane': '' }, true],
  [{ 'node-role.kubernetes.io/master': '' }, true],
  [{ 'magnum.openstack.org/role': 'worker' }, false],
  [{ 'node-role.kubernetes.io/worker': '' }, false],
])('a Node with the labels %j is a master: %s', async (labels, is) => {
  expect(await read(nodeWith({ labels }))).toMatchObject({ isMaster: is });
});

test('writes and removes annotations by a merge patch', async () => {
  const { nodes, asked } = clientOf({ status: 200, body: worker });
  expect(await nodes.write('k1-node-0', { report: '{}', hold: null }, NEVER)).toBe(true);
  expect(asked).toMatchObject([
    {
      method: 'PATCH',
      path: '/api/v1/nodes/k1-node-0?fieldManager=coe-agent',
      body: {
        type: 'application/merge-patch+json',
        value: { metadata: { annotations: { 'coe-agent/report': '{}', 'coe-agent/hold': null } } },
      },
    },
  ]);
});

test('a missing Node is undefined, and is not written', async () => {
  const { nodes } = clientOf({ status: 404 });
  expect(await nodes.read('gone', NEVER)).toBeUndefined();
  expect(await nodes.write('gone', {}, NEVER)).toBe(false);
});

test('asks for a Node by one segment of the path, whatever its name', async () => {
  const { nodes, asked } = clientOf({ status: 404 });
  await nodes.read('a/../b?x', NEVER);
  expect(asked[0]?.path).toBe('/api/v1/nodes/a%2F..%2Fb%3Fx');
});

test('a refusal is no missing Node', async () => {
  const { nodes } = clientOf({ status: 403 });
  expect((await faultIn(nodes.read('other', NEVER))).code).toBe('cloud-refused');
  expect((await faultIn(nodes.write('other', {}, NEVER))).code).toBe('cloud-refused');
});

const page = (names: string[], more?: string) => ({
  status: 200,
  body: {
    metadata: { resourceVersion: '1', ...(more !== undefined && { continue: more }) },
    items: names.map((name) => ({ metadata: { name } })),
  },
});

test('lists the Nodes of all pages by name', async () => {
  const { nodes, asked } = clientOf(page(['c', 'a'], 'next'), page(['b']));
  expect((await nodes.list(NEVER)).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  expect(asked).toHaveLength(2);
});
