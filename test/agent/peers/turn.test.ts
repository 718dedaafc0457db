import { expect, test } from 'vitest';
import { clientsOf } from '../../../agent/peers/clients.ts';
import { readHeldTurn } from '../../../agent/peers/held-turn.ts';
import { giveTurnBack, newTurnMemory, renewTurn, takeTurn, whileHeld } from '../../../agent/peers/turn.ts';
import { type OtherMaster, TURN_MS } from '../../../agent/phases/turn.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { createRetry } from '../../../src/base/retry.ts';
import { createCall } from '../../../src/services/kubernetes-call.ts';
import { type Lease, leaseCalls } from '../../../src/services/lease.ts';
import { createKubernetes, type Kubernetes } from '../../fakes/kubernetes.ts';
import { NEVER, testClock } from '../../src/support/clock.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { testHands } from '../support/hands.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';
import { networkOf } from '../support/network.ts';

const NAME = 'coe-agent-turn';
const cas = newGeneration();
const node = nodeOf('master');
const well = (name: string): OtherMaster => ({ name, is: 'well', isStepping: false });
const OTHERS = [well('m1'), well('m2')];

/** Makes the master m0, whose own API server has the lease. */
async function setUp({ isAway = false } = {}) {
  const api = createKubernetes();
  const server = {
    presents: caOf(cas, 'kubernetes').issue([['CN', 'kubernetes']]).cert,
    ask: api.askAs('system:masters'),
  };
  const { hands, clock, write } = await testHands(networkOf(isAway ? {} : { '10.0.0.5:6443': server }));
  await writeCertificates(node, { write }, cas);
  const { kubernetes: client } = clientsOf(node);
  if (!client) throw new Error('a master has a client certificate');
  const place = { own: 'm0', apis: [{ host: '10.0.0.5', port: 6443 }], client };
  const memory = newTurnMemory();
  return {
    api,
    clock,
    memory,
    since: async (lockedAt: number) => await readHeldTurn(hands.disk, lockedAt),
    hold: async (work: () => Promise<void>) => {
      await whileHeld(place, hands, NEVER, work);
    },
    take: async () => await takeTurn(place, OTHERS, memory, hands, NEVER),
    renew: async (abort = NEVER) => {
      await renewTurn(place, hands, abort);
    },
    giveBack: async () => {
      await giveTurnBack(place, hands, NEVER);
    },
  };
}

/** Reads and writes the lease like another master. */
function leaseOf(api: Kubernetes): {
  read(): Promise<Lease | undefined>;
  hold(holder: string): Promise<void>;
} {
  const retry = createRetry({ clock: testClock(), random: () => 1, onRetry: () => undefined });
  const patience = { baseMs: 1, capMs: 1, forMs: 1 };
  const calls = leaseCalls(createCall(api.askAs('system:masters'), retry, patience), NAME, TURN_MS / 1000);
  const read = async () => await calls.read(NEVER);
  return {
    read,
    hold: async (holder) => {
      const version = (await read())?.version;
      await calls.write({ version, annotations: {}, holder, until: TURN_MS }, NEVER);
    },
  };
}

test('takes a free turn and writes it into the lease', async () => {
  const { api, clock, take } = await setUp();
  expect(await take()).toEqual({ is: 'free' });
  expect(await leaseOf(api).read()).toMatchObject({ holder: 'm0', until: clock.now() + TURN_MS });
  expect(await take()).toEqual({ is: 'mine' });
});

test("leaves another master's turn until its lease has been unchanged for the length of a turn", async () => {
  const { api, clock, take } = await setUp();
  await leaseOf(api).hold('m1');
  expect(await take()).toEqual({ is: 'wait', why: 'held', for: ['m1'] });
  clock.advance(TURN_MS - 1);
  await leaseOf(api).hold('m1');
  expect(await take()).toMatchObject({ is: 'wait' });
  clock.advance(TURN_MS - 1);
  expect(await take()).toMatchObject({ is: 'wait' });
  expect(await leaseOf(api).read()).toMatchObject({ holder: 'm1' });
  clock.advance(1);
  expect(await take()).toEqual({ is: 'free' });
  expect(await leaseOf(api).read()).toMatchObject({ holder: 'm0' });
});

test('loses if another master writes the lease at that moment', async () => {
  const { api, take } = await setUp();
  api.instead = ({ method }) => (method === 'GET' ? undefined : { status: 409 });
  expect(await take()).toEqual({ is: 'wait', why: 'lost', for: [] });
});

test('waits while no API server answers', async () => {
  expect(await (await setUp({ isAway: true })).take()).toEqual({ is: 'wait', why: 'no-api', for: [] });
});

test('counts at most ten minutes of a suspend as waiting', async () => {
  const { clock, memory, take } = await setUp();
  await take();
  expect(memory.waitedMs).toBe(0);
  clock.advance(60_000);
  await take();
  expect(memory.waitedMs).toBe(60_000);
  clock.advance(99 * 3_600_000);
  await take();
  expect(memory.waitedMs).toBe(660_000);
});

test('renews only its own turn', async () => {
  const { api, clock, take, renew } = await setUp();
  await take();
  clock.advance(1000);
  await renew();
  expect(await leaseOf(api).read()).toMatchObject({ holder: 'm0', until: clock.now() + TURN_MS });
  await leaseOf(api).hold('m1');
  const held = await leaseOf(api).read();
  await renew();
  expect(await leaseOf(api).read()).toEqual(held);
});

test('returns only its own turn', async () => {
  const { api, take, giveBack } = await setUp();
  await take();
  await giveBack();
  expect(await leaseOf(api).read()).toMatchObject({ holder: '' });
  await leaseOf(api).hold('m1');
  await giveBack();
  expect(await leaseOf(api).read()).toMatchObject({ holder: 'm1' });
});

test('continues without an API server in the middle of a turn, and stops on abort', async () => {
  const { api, take, renew } = await setUp();
  await take();
  for (const status of [403, 503]) {
    api.instead = ({ path }) => (path === '/api' ? undefined : { status });
    await renew();
  }
  await (await setUp({ isAway: true })).renew();
  expect(await agentErrorOf(renew(AbortSignal.abort()))).toMatchObject({ code: 'aborted' });
});

test('records the start of its turn while it lasts', async () => {
  const { clock, since, hold, take } = await setUp();
  const locked = clock.now();
  clock.advance(1000);
  await take();
  const failed = hold(async () => {
    expect(await since(locked)).toBe(locked + 1000);
    // The process that wrote it has ended.
    expect(await since(locked + 2000)).toBeUndefined();
    throw new AgentError('unit', 'a unit does not start');
  });
  expect(await agentErrorOf(failed)).toMatchObject({ code: 'unit' });
  expect(await since(locked)).toBeUndefined();
});
