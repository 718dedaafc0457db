import { expect, test } from 'vitest';
import { onOwnNode, type OwnNode } from '../../../agent/peers/own-node.ts';
import type { Node } from '../../../agent/node.ts';
import { swarm } from '../../../src/certificates/layouts/swarm.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { testHands } from '../support/hands.ts';
import { networkOf } from '../support/network.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

/** INSTANCE_NAME of heat-params. */
const OWN = 'k1-node-0';
const cas = newGeneration();
const worker = nodeOf('worker', { KUBE_MASTER_IP: '10.0.0.9' });

/** @param host the API server that answers */
async function setUp(node: Node = worker, host = '10.0.0.9') {
  const api = createKubernetes();
  const { cert: presents } = caOf(cas, 'kubernetes').issue([['CN', 'kubernetes']]);
  const ask = api.askAs('system:nodes', `system:node:${OWN}`);
  const network = networkOf({ [`${host}:6443`]: { presents, ask } });
  const { hands, write } = await testHands(network);
  await writeCertificates(node, { write }, cas);
  const port = { host: '10.0.0.10', port: 6443, path: '/api', ca: 'kubernetes' } as const;
  const peers = [{ name: 'm1', isMaster: true, ports: [port] }];
  return {
    api,
    network,
    on: async <T>(work: (own: OwnNode) => Promise<T>) =>
      await onOwnNode({ node, units: [], peers }, hands, NEVER, work),
  };
}

test("reads this node's Node, and changes its annotations only", async () => {
  const { api, network, on } = await setUp();
  const annotations = { 'coe-agent/step': 'reissue', 'coe-agent/report': 'a', other: 'b' };
  api.core.put('nodes', '', OWN, { metadata: { annotations } });
  const reached = await on(async ({ name, read, annotate }) => {
    const changed = await annotate({ step: null, 'served-ca': 'ab' });
    return [name, changed, (await read())?.annotations];
  });
  expect(reached).toEqual({ api: 'answers', value: [OWN, true, { report: 'a', 'served-ca': 'ab' }] });
  expect(api.core.find('nodes', '', OWN)).toMatchObject({ metadata: { annotations: { other: 'b' } } });
  expect(network.open()).toBe(0);
});

test('says that its Node does not exist', async () => {
  const { on } = await setUp();
  const reached = await on(async ({ read, annotate }) => [await read(), await annotate({ step: 'x' })]);
  expect(reached).toEqual({ api: 'answers', value: [undefined, false] });
});

test('asks the API server of another master if the first one does not answer', async () => {
  const { network, on } = await setUp(worker, '10.0.0.10');
  expect(await on(async () => await Promise.resolve('done'))).toEqual({ api: 'answers', value: 'done' });
  expect(network.opened.map(({ host }) => host)).toEqual(['10.0.0.9', '10.0.0.10']);
});

test('may not read the Node of another name: the API rejects that', async () => {
  const { api, on } = await setUp(nodeOf('worker', { KUBE_MASTER_IP: '10.0.0.9', INSTANCE_NAME: 'other' }));
  api.core.put('nodes', '', 'other', {});
  const wrote = on(async ({ annotate }) => await annotate({ step: 'x' }));
  expect(await agentErrorOf(wrote)).toMatchObject({ code: 'cloud-refused' });
});

test('does nothing on a node without Kubernetes', async () => {
  const { network, on } = await setUp(nodeOf('worker', {}, swarm.roles.worker));
  expect(await on(async () => await Promise.resolve('done'))).toBeUndefined();
  expect(network.opened).toEqual([]);
});
