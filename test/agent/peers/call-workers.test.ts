import { expect, test } from 'vitest';
import { callWorkers, readCall } from '../../../agent/peers/call-workers.ts';
import type { Look } from '../../../agent/peers/look.ts';
import type { Peer } from '../../../agent/phases/decide.ts';
import { servedCa } from '../../../agent/rotation/served-cas.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { ownNodeAlone } from '../../fakes/imitated-rules.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { testHands } from '../support/hands.ts';
import { networkOf } from '../support/network.ts';
import { caOf, newGeneration, nodeOf, servedOf, writeCertificates } from '../support/node.ts';

const [former, served] = [newGeneration(), newGeneration()];
const master = nodeOf('master');
const worker = nodeOf('worker', { KUBE_MASTER_IP: '10.0.0.9' });
const SERVED = servedOf(master, served);
const FRESH = servedCa(SERVED, 'kubernetes')?.fingerprint256 ?? '';
/** INSTANCE_NAME of heat-params. */
const OWN = 'k1-node-0';

/** Makes a node, with the API of its cluster. */
async function setUp(node = master, trusted = [former]) {
  const api = createKubernetes();
  const presents = caOf(former, 'kubernetes').issue([['CN', 'kubernetes']]).cert;
  const ask = node === master ? api.askAs('system:masters') : api.askAs('system:nodes', `system:node:${OWN}`);
  const host = node === master ? '127.0.0.1' : '10.0.0.9';
  const test = await testHands(networkOf({ [`${host}:6443`]: { presents, ask } }));
  await writeCertificates(node, test, former, trusted);
  return { ...test, api, annotationsOf: (name: string) => api.core.find('nodes', '', name)?.['metadata'] };
}

const seen = (acceptsServed: boolean) => ({ presents: 'former', acceptsServed, acceptsOwn: true }) as const;
const peer = (name: string, over: Partial<Peer> = {}): Peer => ({
  name,
  isMaster: false,
  isReady: true,
  isStepping: false,
  seen: seen(false),
  ...over,
});

/** A look of a master after "trust", at these peers. */
function lookAt(peers: readonly Peer[], own = { isMaster: true, trustsServed: true }): Look {
  return {
    view: {
      own: { ...own, trustsFormer: true, presentsServed: false },
      api: 'answers',
      peers,
      course: { since: 0, finishNow: false, heldUntil: undefined },
      now: 0,
      withinMs: 1,
    },
    known: {
      api: 'answers',
      members: [],
      peers: [],
      nodes: peers.map(({ name }) => ({
        name,
        isMaster: false,
        isReady: true,
        kubelet: undefined,
        annotations: {},
      })),
    },
    served: SERVED,
  };
}

const probe = { host: '127.0.0.1', port: 6443, file: '/x' };
const PLACE = {
  node: master,
  units: [{ name: 'kube-apiserver', required: true, deadlineMs: 1, settleMs: 1, probe }],
};

test('calls the workers that reject the served CA, and no other node', async () => {
  const { hands, api, annotationsOf } = await setUp();
  const peers = [
    peer('behind'),
    peer('accepts', { seen: seen(true) }),
    peer('away', { seen: undefined }),
    peer('m1', { isMaster: true }),
  ];
  for (const { name } of peers) api.core.put('nodes', '', name, {});
  await callWorkers(lookAt(peers), PLACE, hands, NEVER);
  expect(annotationsOf('behind')).toMatchObject({ annotations: { 'coe-agent/served-ca': FRESH } });
  const patched = api.asked.filter(({ method }) => method === 'PATCH');
  expect(patched.map(({ path }) => path.split('?')[0])).toEqual(['/api/v1/nodes/behind']);
});

test('calls each worker once', async () => {
  const { hands, api } = await setUp();
  const look = lookAt([peer('behind')]);
  const nodes = look.known.nodes.map((one) => ({ ...one, annotations: { 'served-ca': FRESH } }));
  await callWorkers({ ...look, known: { ...look.known, nodes } }, PLACE, hands, NEVER);
  expect(api.asked).toEqual([]);
});

test.each([
  ['a worker', { isMaster: false, trustsServed: true }],
  ['a master that does not trust the served CA', { isMaster: true, trustsServed: false }],
])('%s calls no worker', async (_, own) => {
  const { hands, api } = await setUp();
  await callWorkers(lookAt([peer('behind')], own), PLACE, hands, NEVER);
  expect(api.asked).toEqual([]);
});

test('a call that fails is logged, and is not fatal', async () => {
  const { hands, api, log } = await setUp();
  api.instead = ({ method }) => (method === 'PATCH' ? { status: 403 } : undefined);
  await callWorkers(lookAt([peer('behind')]), PLACE, hands, NEVER);
  expect(logged(log, 'workers-uncalled')).toMatchObject([{ level: 'info', code: 'cloud-refused' }]);
  const stopped = callWorkers(lookAt([peer('behind')]), PLACE, hands, AbortSignal.abort());
  expect(await agentErrorOf(stopped)).toMatchObject({ code: 'aborted' });
});

test('a worker hears a call of a CA that it does not trust, from its own Node alone', async () => {
  const { hands, api } = await setUp(worker);
  api.instead = ownNodeAlone;
  expect(await readCall(worker, hands, NEVER)).toBeUndefined();
  api.core.put('nodes', '', OWN, { metadata: { annotations: { 'coe-agent/served-ca': FRESH } } });
  expect(await readCall(worker, hands, NEVER)).toBe(FRESH);
  const after = await setUp(worker, [former, served]);
  after.api.core.put('nodes', '', OWN, { metadata: { annotations: { 'coe-agent/served-ca': FRESH } } });
  expect(await readCall(worker, after.hands, NEVER)).toBeUndefined();
});

test('a Node that cannot be read is logged, and is no call', async () => {
  const { hands, api, log } = await setUp(worker);
  api.instead = ({ path }) => (path === '/api' ? undefined : { status: 403 });
  expect(await readCall(worker, hands, NEVER)).toBeUndefined();
  expect(logged(log, 'call-unread')).toMatchObject([{ code: 'cloud-refused' }]);
  expect(await agentErrorOf(readCall(worker, hands, AbortSignal.abort()))).toMatchObject({ code: 'aborted' });
});

test('a master is not called', async () => {
  const { hands, api } = await setUp();
  expect(await readCall(master, hands, NEVER)).toBeUndefined();
  expect(api.asked).toEqual([]);
});
