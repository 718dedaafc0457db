import { expect, test } from 'vitest';
import { announce } from '../../../agent/peers/announce.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { testHands } from '../support/hands.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';
import { networkOf } from '../support/network.ts';

const cas = newGeneration();
const node = nodeOf('worker', { KUBE_MASTER_IP: '10.0.0.9' });
/** INSTANCE_NAME of heat-params. */
const NAME = 'k1-node-0';

/** Makes a worker that uses its kubelet's certificate. */
async function setUp(servers = ['10.0.0.9']) {
  const api = createKubernetes();
  for (const name of [NAME, 'other'])
    api.core.put('nodes', '', name, { metadata: { annotations: { foreign: 'stays' } } });
  const presents = caOf(cas, 'kubernetes').issue([['CN', 'kubernetes']]).cert;
  const server = { presents, ask: api.askAs('system:nodes', `system:node:${NAME}`) };
  const network = networkOf(Object.fromEntries(servers.map((host) => [`${host}:6443`, server])));
  const { hands, log, write } = await testHands(network);
  await writeCertificates(node, { write }, cas);
  const say = async (step: string | undefined, abort = NEVER) =>
    await announce(step, { peers: [] }, { node, units: [] }, hands, abort);
  const annotations = (name: string) => api.core.find('nodes', '', name)?.['metadata'];
  return { api, say, log, annotations };
}

test('announces a step on its own Node, and withdraws it', async () => {
  const { say, annotations } = await setUp();
  expect(await say('reissue')).toBe(true);
  expect(annotations(NAME)).toEqual({ annotations: { foreign: 'stays', 'coe-agent/step': 'reissue' } });
  expect(await say(undefined)).toBe(true);
  expect(annotations(NAME)).toEqual({ annotations: { foreign: 'stays' } });
  expect(annotations('other')).toEqual({ annotations: { foreign: 'stays' } });
});

test('skips the announcement while no API server answers', async () => {
  expect(await (await setUp([])).say('reissue')).toBe(true);
});

test('logs that an API server rejected the announcement', async () => {
  const { api, say, log } = await setUp();
  api.instead = ({ method }) => (method === 'PATCH' ? { status: 403 } : undefined);
  expect(await say('reissue')).toBe(false);
  expect(logged(log, 'phase-unannounced')).toMatchObject([{ phase: 'reissue' }]);
});

test('stops on abort', async () => {
  const { say } = await setUp();
  expect(await agentErrorOf(say('reissue', AbortSignal.abort()))).toMatchObject({ code: 'aborted' });
});
