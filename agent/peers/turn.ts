import { codeOf } from '../../src/base/errors.ts';
import { createCall } from '../../src/services/kubernetes-call.ts';
import { type Lease, leaseCalls } from '../../src/services/lease.ts';
import type { Hands } from '../hands.ts';
import { type OtherMaster, TURN_MS, type Turn, turnOf } from '../phases/turn.ts';
import { BRIEFLY } from '../rotation/own-api.ts';
import type { Client } from './clients.ts';
import { whileRecorded } from './held-turn.ts';
import { type Address, withAnyApi } from './reach-api.ts';
import type { WatchMasters } from './watch-masters.ts';

const LEASE = 'coe-agent-turn';

/** State of the turn that an agent keeps between two looks. It is lost with the process, which only causes a delay. */
export type TurnMemory = { version: string | undefined; seenAt: number; waitedMs: number; lookedAt: number };
export const newTurnMemory = (): TurnMemory => ({
  version: undefined,
  seenAt: 0,
  waitedMs: 0,
  lookedAt: Infinity,
});

/** Limit for the time between two looks that counts as waiting: the machine may have been suspended. */
const COUNTED_MS = 600_000;

/**
 * `own`: the node's name. `apis`: its own API server first. `watch`: waits for the other masters before each restart.
 * `handOver`: runs before the restart of a unit that leads.
 */
export type TurnPlace = {
  own: string;
  apis: readonly Address[];
  client: Client;
  watch?: WatchMasters;
  handOver?: { unit: string; run(abort: AbortSignal): Promise<void> };
};

/**
 * Makes one attempt to take the turn. `lost`: another node wrote the lease at the same time. `no-api`: no server
 * answers. `api-refused`: the servers that answer and this node reject each other.
 *
 * @param others `unknown`: the own etcd does not name them, so every holder counts as a master
 */
export async function takeTurn(
  { own, apis, client }: TurnPlace,
  others: readonly OtherMaster[] | 'unknown',
  memory: TurnMemory,
  hands: Hands,
  abort: AbortSignal,
  resumes = false,
): Promise<Turn | { is: 'wait'; why: 'lost' | 'no-api' | 'api-refused'; for: readonly string[] }> {
  const { clock, retry } = hands;
  const reached = await withAnyApi(apis, client, hands, abort, async (ask) => {
    const calls = leaseCalls(createCall(ask, retry, BRIEFLY), LEASE, TURN_MS / 1000);
    const lease = await calls.read(abort);
    const now = clock.elapsed();
    if (memory.version !== lease?.version) Object.assign(memory, { version: lease?.version, seenAt: now });
    memory.waitedMs += Math.max(0, Math.min(now - memory.lookedAt, COUNTED_MS));
    memory.lookedAt = now;
    const holder = lease?.holder ?? '';
    const turn = turnOf({
      own,
      holder,
      others: others === 'unknown' ? anybody(holder, own) : others,
      unchangedMs: now - memory.seenAt,
      waitedMs: memory.waitedMs,
      resumes,
    });
    if (turn.is === 'wait') return turn;
    const isOurs = await calls.write(leaseOf(own, lease, clock.now()), abort);
    return isOurs ? turn : ({ is: 'wait', why: 'lost', for: [] } as const);
  });
  if (reached.api === 'answers') return reached.value;
  return { is: 'wait', why: reached.api === 'silent' ? 'no-api' : 'api-refused', for: [] };
}

const anybody = (holder: string, own: string): OtherMaster[] =>
  holder === '' || holder === own ? [] : [{ name: holder, is: 'well', isStepping: false }];

/**
 * Called before the restart of each unit, with its name. `at once`: no other master is waited for. With the old files,
 * the new ones may be the reason why it is not well; and a unit that is stopped already would stay so.
 */
export type BeforeRestart = (unit: string, when: 'all are well' | 'at once') => Promise<void>;

/**
 * Runs `work` in a turn that was taken. Renews it and looks at the other masters again before each restart, and
 * releases it afterwards.
 */
export async function whileHeld<T>(
  place: TurnPlace,
  hands: Hands,
  abort: AbortSignal,
  work: (beforeRestart: BeforeRestart) => Promise<T>,
): Promise<T> {
  try {
    return await whileRecorded(
      hands,
      async () =>
        await work(async (unit, when) => {
          if (when === 'all are well') await place.watch?.(abort);
          await renewTurn(place, hands, abort);
          if (unit === place.handOver?.unit) await place.handOver.run(abort);
        }),
    );
  } finally {
    await giveTurnBack(place, hands, abort);
  }
}

/** Renews this node's turn before the restart of a unit. An API that does not answer is ignored. */
export async function renewTurn(
  { own, apis, client }: TurnPlace,
  hands: Hands,
  abort: AbortSignal,
): Promise<void> {
  await write(own, own, { apis, client }, hands, abort);
}

/** Releases the turn. If that fails, the turn expires. */
export async function giveTurnBack(
  { own, apis, client }: TurnPlace,
  hands: Hands,
  abort: AbortSignal,
): Promise<void> {
  await write(own, '', { apis, client }, hands, abort);
}

/** Writes the lease, but only if this node holds it. */
async function write(
  own: string,
  holder: string,
  { apis, client }: Omit<TurnPlace, 'own'>,
  hands: Hands,
  abort: AbortSignal,
): Promise<void> {
  const { clock, retry } = hands;
  try {
    await withAnyApi(apis, client, hands, abort, async (ask) => {
      const calls = leaseCalls(createCall(ask, retry, BRIEFLY), LEASE, TURN_MS / 1000);
      const lease = await calls.read(abort);
      if (lease?.holder === own) await calls.write(leaseOf(holder, lease, clock.now()), abort);
    });
  } catch (error) {
    if (codeOf(error) === 'aborted' || codeOf(error) === undefined) throw error;
  }
}

const leaseOf = (holder: string, before: Lease | undefined, now: number): Lease => ({
  version: before?.version,
  annotations: before?.annotations ?? {},
  holder,
  until: now + TURN_MS,
});
