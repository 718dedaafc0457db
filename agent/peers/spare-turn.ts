import { isTrue } from '../../src/metadata/heat-params.ts';
import type { Hands } from '../hands.ts';
import { readOrders } from '../phases/record.ts';
import { findKnown, type Place } from './known.ts';
import { mastersOf } from './masters.ts';
import { takesTurns } from './takes-turns.ts';
import { type BeforeRestart, takeTurn, type TurnMemory, whileHeld } from './turn.ts';

/**
 * Runs `work`, which restarts a unit of this node, if a master gets its turn at once and no hold forbids it. A worker
 * needs no turn.
 *
 * @returns why `work` did not run; undefined if it did
 */
export async function whenTurnIsFree(
  place: Place,
  memory: TurnMemory,
  hands: Hands,
  abort: AbortSignal,
  work: (beforeRestart?: BeforeRestart) => Promise<void>,
): Promise<string | undefined> {
  const { node } = place;
  if (node.role !== 'master') return await done(work());
  const { heldUntil = 0 } = await readOrders(hands);
  if (heldUntil > hands.clock.now()) return 'held';
  if (isTrue(node.params.get('TLS_DISABLED')) || !(await takesTurns(node, hands, abort)))
    return await done(work());
  const known = await findKnown(place, hands, abort);
  const masters = await mastersOf(known, place, hands, abort);
  if (!masters) {
    // Its etcd does not answer, so the other masters are unknown.
    const mayHaveOthers = known.members.length === 0 && known.peers.some(({ isMaster }) => isMaster);
    return mayHaveOthers ? 'unwell' : await done(work());
  }
  if (masters.isCutOff) return await done(work());
  const turn = await takeTurn(masters.place, masters.others, memory, hands, abort);
  if (turn.is === 'wait') return turn.why;
  return await done(whileHeld(masters.place, hands, abort, work));
}

const done = async (work: Promise<void>): Promise<undefined> => {
  await work;
  return undefined;
};
