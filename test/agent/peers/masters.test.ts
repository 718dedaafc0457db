import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Known } from '../../../agent/peers/known.ts';
import { mastersOf, turnPlaceOf } from '../../../agent/peers/masters.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { testHands } from '../support/hands.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const cas = newGeneration();
const PRESENTS = new X509Certificate(caOf(cas, 'kubernetes').issue([['CN', 'kubernetes']]).cert);

const member = (index: number) => ({
  name: `m${index}`,
  peer: `https://10.0.0.${index + 5}:2380`,
  client: `https://10.0.0.${index + 5}:2379`,
});

/** What the master at 10.0.0.5 knows about the others. */
function knownOf(members: number, over: Partial<Known['nodes'][number]> = {}): Known {
  const others = Array.from({ length: members - 1 }, (_, index) => index + 1);
  return {
    api: 'answers',
    members: Array.from({ length: members }, (_, index) => member(index)),
    nodes: others.map((index) => ({
      name: `m${index}`,
      isMaster: true,
      isReady: true,
      kubelet: undefined,
      annotations: {},
      ...over,
    })),
    peers: others.map((index) => ({
      name: `m${index}`,
      isMaster: true,
      ports: [{ host: `10.0.0.${index + 5}`, port: 6443, path: '/api', ca: 'kubernetes' }],
    })),
  };
}

/** @param ill the health checks of the others reject with this @param isThere whether the others' ports answer @param accepts how they take this node's certificate */
async function masters(
  known: Known,
  {
    ill,
    isThere = true,
    accepts = 'no',
    node = nodeOf('master'),
  }: {
    ill?: AgentError;
    isThere?: boolean;
    accepts?: 'yes' | 'no' | 'unknown';
    node?: ReturnType<typeof nodeOf>;
  } = {},
) {
  const asked: string[] = [];
  const { hands, write } = await testHands({
    askPeer: async () => await Promise.resolve(isThere ? { presents: PRESENTS, accepts } : undefined),
    askHealth: async (url) => {
      asked.push(url);
      if (ill) throw ill;
      await Promise.resolve();
    },
  });
  await writeCertificates(node, { write }, cas);
  return { found: await mastersOf(known, { node, units: [] }, hands, NEVER), asked };
}

const m1 = (is: string, isStepping = false) => [{ name: 'm1', is, isStepping }];

test('needs no turns on a worker or the only master', async () => {
  expect((await masters(knownOf(1))).found).toBeUndefined();
  expect((await masters(knownOf(3), { node: nodeOf('worker') })).found).toBeUndefined();
  const stranger = nodeOf('master', { KUBE_NODE_IP: '10.0.0.99' });
  expect((await masters(knownOf(3), { node: stranger })).found).toBeUndefined();
  expect(turnPlaceOf(knownOf(1), { node: nodeOf('master'), units: [] })).toBeUndefined();
});

test('finds itself by its address, and asks each other member for the etcd quorum', async () => {
  const { found, asked } = await masters(knownOf(3));
  expect(found?.place).toMatchObject({ own: 'm0', apis: [{ host: '10.0.0.6' }, { host: '10.0.0.7' }] });
  expect(found?.others).toEqual([...m1('well'), { name: 'm2', is: 'well', isStepping: false }]);
  expect(asked.toSorted()).toEqual(['https://10.0.0.6:2379/health', 'https://10.0.0.7:2379/health']);
});

test.each([
  ['gone: it neither answers nor is ready', false, { isReady: false }, 'gone'],
  ['gone: it neither answers nor is listed', false, { name: 'm9' }, 'gone'],
  ['unhealthy: it is ready, and none of its ports answers', false, { isReady: true }, 'unwell'],
  ['healthy: it answers, and is not ready', true, { isReady: false }, 'well'],
] as const)('treats another member as %s', async (_, isThere, over, is) => {
  expect((await masters(knownOf(2, over), { isThere })).found?.others).toEqual(m1(is));
});

test('treats a master without etcd quorum as unhealthy, and throws other errors', async () => {
  const ill = new AgentError('not-yet', 'no');
  expect((await masters(knownOf(2), { ill })).found?.others).toEqual(m1('unwell'));
  const stopped = new AgentError('aborted', 'stopped');
  expect(await agentErrorOf(masters(knownOf(2), { ill: stopped }))).toMatchObject({ code: 'aborted' });
});

test('treats a master without a client address as unhealthy', async () => {
  const known = knownOf(2);
  const members = known.members.map((one) => ({ ...one, client: undefined }));
  expect((await masters({ ...known, members })).found?.others).toEqual(m1('unwell'));
});

test('lists masters in the middle of a step', async () => {
  const known = knownOf(2, { annotations: { step: 'reissue' } });
  expect((await masters(known)).found?.others).toEqual(m1('well', true));
});

const isCutOff = async (over: Parameters<typeof masters>[1]) =>
  (await masters(knownOf(3), over)).found?.isCutOff;

test('is cut off if every other master that answers refuses this one, and none says that it is well', async () => {
  const ill = new AgentError('not-yet', 'no');
  expect(await isCutOff({ ill })).toBe(true);
  expect(await isCutOff({})).toBe(false);
  expect(await isCutOff({ ill, isThere: false })).toBe(false);
  for (const accepts of ['yes', 'unknown'] as const) expect(await isCutOff({ ill, accepts })).toBe(false);
});
