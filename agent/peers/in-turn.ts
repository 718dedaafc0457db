import { AgentError, explain, isNotReady } from '../../src/base/errors.ts';
import type { Patience } from '../../src/base/retry.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { announce } from './announce.ts';
import type { Look, Place } from './look.ts';
import type { Masters } from './masters.ts';
import { lookAtMasters, placeOf } from './surroundings.ts';
import { giveTurnBack, newTurnMemory, renewTurn, takeTurn } from './turn.ts';

/** Called before the restart of each unit. */
export type BeforeRestart = () => Promise<void>;

/** How often, and for how long, a master asks for its turn before it goes on without one. */
const PATIENCE: Patience = { baseMs: 5000, capMs: 5000, forMs: 900_000 };

/**
 * Does what restarts the units of a master in its turn, where masters take turns: with `rotation.phase: auto`, and
 * several members of etcd. The wait ends after 15 minutes, and the work begins without a turn: a deployment waits for its
 * answer.
 *
 * @throws what `work` throws, and what keeps Magnum from being asked
 */
export async function inTurn<T>(
  node: Node,
  hands: Hands,
  abort: AbortSignal,
  work: (beforeRestart?: BeforeRestart) => Promise<T>,
): Promise<T> {
  if (hands.config.rotation.phase !== 'auto' || node.role !== 'master') return await work();
  const cluster = await hands.openCluster(node.params, undefined, abort);
  const place = await placeOf(node, cluster, hands, abort);
  const taken = await waitForTurn(place, hands, abort);
  if (!taken) return await work();
  try {
    await announce('restart', taken.seen, place, hands, abort);
    return await work(renewing(taken.masters, hands, abort));
  } finally {
    await announce(undefined, taken.seen, place, hands, abort);
    await giveTurnBack(taken.masters.place, hands, abort);
  }
}

const TAKING = { code: 'take-turn', text: 'take the turn of this master' } as const;

/** A turn is renewed before each restart: it outlasts the longest one. */
export const renewing =
  (masters: Masters, hands: Hands, abort: AbortSignal): BeforeRestart =>
  async () => {
    await renewTurn(masters.place, hands, abort);
  };

/** @returns undefined when there are no turns to take, and when the wait for one is over */
async function waitForTurn(
  place: Place,
  hands: Hands,
  abort: AbortSignal,
): Promise<{ masters: Masters; seen: Look } | undefined> {
  const memory = newTurnMemory();
  try {
    // `agent status` shows for whom a retry waits, and until when.
    return await hands.retry(TAKING, PATIENCE, abort, async () => {
      const { seen, masters } = await lookAtMasters(place, hands, abort);
      if (!masters) return undefined;
      const turn = await takeTurn(masters.place, masters.others, memory, hands, abort);
      if (turn.is === 'wait')
        throw new AgentError('not-yet', `${turn.why}: ${turn.for.join(', ')}`, { reason: turn.why });
      return { masters, seen };
    });
  } catch (error) {
    if (!isNotReady(error)) throw error;
    hands.log('turn-not-given', { why: explain(error) });
    return undefined;
  }
}
