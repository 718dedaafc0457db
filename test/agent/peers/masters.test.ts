import { expect, test } from 'vitest';
import type { Look } from '../../../agent/peers/look.ts';
import { mastersOf } from '../../../agent/peers/masters.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { testHands } from '../support/hands.ts';
import { nodeOf } from '../support/node.ts';

type Peer = Look['view']['peers'][number];
const SEEN = { presents: 'served', acceptsServed: true, acceptsOwn: true } as const;

const member = (index: number) => ({
  name: `m${index}`,
  peer: `https://10.0.0.${index + 5}:2380`,
  client: `https://10.0.0.${index + 5}:2379`,
});
const known = (index: number): Look['peers'][number] => ({
  name: `m${index}`,
  isMaster: true,
  ports: [{ host: `10.0.0.${index + 5}`, port: 6443, path: '/api', ca: 'kubernetes' }],
});

/** A look of the master at 10.0.0.5. */
function lookOf(members: number, over: Partial<Peer> = {}): Look {
  const others = Array.from({ length: members - 1 }, (_, index) => index + 1);
  const own = { isMaster: true, trustsServed: true, trustsFormer: true, presentsServed: true };
  const course = { since: 0, finishNow: false, heldUntil: undefined };
  return {
    members: Array.from({ length: members }, (_, index) => member(index)),
    peers: others.map(known),
    view: {
      own,
      api: 'answers',
      peers: others.map((index) => ({
        name: `m${index}`,
        isMaster: true,
        isReady: true,
        isStepping: false,
        seen: SEEN,
        ...over,
      })),
      course,
      now: 0,
      withinMs: 0,
    },
  };
}

/** @param ill who answers that it is not well, or fails otherwise */
async function masters(look: Look, ill?: AgentError, node = nodeOf('master')) {
  const asked: string[] = [];
  const { hands } = await testHands({
    askHealth: async (url) => {
      asked.push(url);
      if (ill) throw ill;
      await Promise.resolve();
    },
  });
  const found = await mastersOf(look, { node, units: [] }, hands, NEVER);
  return { found, asked };
}

const m1 = (is: string, isStepping = false) => [{ name: 'm1', is, isStepping }];

test('a worker, and the only master, take turns with nobody', async () => {
  expect((await masters(lookOf(1))).found).toBeUndefined();
  expect((await masters(lookOf(3), undefined, nodeOf('worker'))).found).toBeUndefined();
  const stranger = nodeOf('master', { KUBE_NODE_IP: '10.0.0.99' });
  expect((await masters(lookOf(3), undefined, stranger)).found).toBeUndefined();
});

test('finds itself by its address, and asks each other member whether etcd is in quorum', async () => {
  const { found, asked } = await masters(lookOf(3));
  expect(found?.place).toMatchObject({ own: 'm0', apis: [{ host: '10.0.0.6' }, { host: '10.0.0.7' }] });
  expect(found?.others).toEqual([...m1('well'), { name: 'm2', is: 'well', isStepping: false }]);
  expect(asked.toSorted()).toEqual(['https://10.0.0.6:2379/health', 'https://10.0.0.7:2379/health']);
});

test.each([
  ['gone: it neither answers nor is ready', { seen: undefined, isReady: false }, 'gone'],
  ['gone: it neither answers nor is listed', { seen: undefined, isReady: undefined }, 'gone'],
  ['unwell: it is ready, and none of its ports answers', { seen: undefined, isReady: true }, 'unwell'],
  ['well: it answers, and is not ready', { isReady: false }, 'well'],
] as const)('takes another member for %s', async (_, over, is) => {
  expect((await masters(lookOf(2, over))).found?.others).toEqual(m1(is));
});

test('takes one whose etcd has no quorum for unwell, and throws other errors', async () => {
  const ill = new AgentError('not-yet', 'no');
  expect((await masters(lookOf(2), ill)).found?.others).toEqual(m1('unwell'));
  const stopped = new AgentError('aborted', 'stopped');
  expect(await agentErrorOf(masters(lookOf(2), stopped))).toMatchObject({ code: 'aborted' });
});

test('takes one that tells no address for clients for unwell', async () => {
  const look = lookOf(2);
  const members = look.members.map((one) => ({ ...one, client: undefined }));
  expect((await masters({ ...look, members })).found?.others).toEqual(m1('unwell'));
});

test('says which is in the middle of a step', async () => {
  expect((await masters(lookOf(2, { isStepping: true }))).found?.others).toEqual(m1('well', true));
});
