import { AgentError, explain, isNotReady } from '../../src/base/errors.ts';
import type { Patience } from '../../src/base/retry.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { goesByItself } from '../rotation/by-itself.ts';
import { whileAnnounced } from './announce.ts';
import { findKnown, type Known, type Place, placeOf } from './known.ts';
import { mastersOf } from './masters.ts';
import { type BeforeRestart, newTurnMemory, takeTurn, type TurnPlace, whileHeld } from './turn.ts';

/** How often, and for how long, a master asks for its turn before it goes on without one. */
const PATIENCE: Patience = { baseMs: 5000, capMs: 5000, forMs: 900_000 };

/**
 * Does what restarts the units of a master in its turn, where masters take turns: where they go through
 * rotations by themselves, and etcd has several members. The wait ends after 15 minutes, and the work begins without a turn: a deployment waits for its
 * answer. Only the Kubernetes API and the peers are asked.
 *
 * @throws what `work` throws
 */
export async function inTurn<T>(
  node: Node,
  hands: Hands,
  abort: AbortSignal,
  work: (beforeRestart?: BeforeRestart) => Promise<T>,
): Promise<T> {
  if (node.role !== 'master' || !(await goesByItself(node, hands, abort))) return await work();
  const place = await placeOf(node, hands, abort);
  const taken = await waitForTurn(place, hands, abort);
  if (!taken) return await work();
  return await whileHeld(
    taken.turn,
    hands,
    abort,
    async (beforeRestart) =>
      await whileAnnounced(
        'restart',
        taken.known,
        place,
        hands,
        abort,
        async () => await work(beforeRestart),
      ),
  );
}

const TAKING = { code: 'take-turn', text: 'take the turn of this master' } as const;

/** @returns undefined when there are no turns to take, and when the wait for one is over */
async function waitForTurn(
  place: Place,
  hands: Hands,
  abort: AbortSignal,
): Promise<{ turn: TurnPlace; known: Known } | undefined> {
  const memory = newTurnMemory();
  try {
    // `agent status` shows for whom a retry waits, and until when.
    return await hands.retry(TAKING, PATIENCE, abort, async () => {
      const known = await findKnown(place, hands, abort);
      const masters = await mastersOf(known, place, hands, abort);
      if (!masters) return undefined;
      const turn = await takeTurn(masters.place, masters.others, memory, hands, abort);
      if (turn.is === 'wait')
        throw new AgentError('not-yet', `${turn.why}: ${turn.for.join(', ')}`, { reason: turn.why });
      return { turn: masters.place, known };
    });
  } catch (error) {
    if (!isNotReady(error)) throw error;
    hands.log('turn-not-given', { why: explain(error) });
    return undefined;
  }
}
