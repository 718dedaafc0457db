import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { LONGEST_STEP_MS } from '../phases/decide.ts';
import { oldCaDue } from '../phases/old-ca.ts';
import { readOrders, readRotation } from '../phases/record.ts';
import { goesByItself, isBetweenPhases } from '../rotation/by-itself.ts';
import { withoutDamaged } from '../rotation/without-damaged.ts';

/** The automatic rotation of this node, from root's files alone. */
export type RotationSeen =
  | { is: 'none' }
  /** `until`: when a renewal no longer waits for it, in milliseconds since the epoch; Infinity: it has just begun. */
  | { is: 'under-way'; until: number }
  /** `at`: when the last rotation ended, in milliseconds since the epoch. */
  | { is: 'ended'; at: number };

/**
 * Sees whether an automatic rotation is under way on this node. The CA files decide: the record of the rotation follows
 * them up to half a minute later.
 *
 * @throws `aborted`
 */
export async function seeRotation(node: Node, hands: Hands, abort: AbortSignal): Promise<RotationSeen> {
  const { clock, config } = hands;
  const record = await readRotation(hands);
  const disk = await withoutDamaged(node.layout, hands.disk);
  if (await isBetweenPhases(node, { disk })) {
    if (!(await goesByItself(node, { ...hands, disk }, abort))) return { is: 'none' };
    const { heldUntil } = await readOrders(hands);
    const due = oldCaDue(record, heldUntil, config.rotation.retire_within * 1000);
    return { is: 'under-way', until: (due ?? Infinity) + LONGEST_STEP_MS };
  }
  const { oldCa } = record;
  return oldCa ? { is: 'ended', at: oldCa.endedAt ?? clock.now() } : { is: 'none' };
}
