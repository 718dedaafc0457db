import type { Own } from './decide.ts';
import type { RotationRecord } from './record.ts';

/** The end of the old CA on a node: of the CA before those of `cas`. */
export type OldCa = NonNullable<RotationRecord['oldCa']>;

/**
 * What becomes of the record when the node is seen so. The end is read from what the node trusts, and not from a step:
 * it also comes by a deployment, or by the recovery of an interrupted run.
 *
 * @param cas the served CAs in one word
 * @param now milliseconds since the epoch
 */
export function oldCaSeen(
  { trustsServed, trustsFormer }: Pick<Own, 'trustsServed' | 'trustsFormer'>,
  cas: string,
  { course, oldCa }: Pick<RotationRecord, 'course' | 'oldCa'>,
  now: number,
): OldCa | undefined {
  if (!trustsServed) return oldCa;
  const isOpen = oldCa?.cas === cas && oldCa.endedAt === undefined;
  if (trustsFormer) return isOpen ? oldCa : { cas };
  const hadOthers = course !== undefined && course.cas !== cas;
  return isOpen || hadOthers ? { cas, endedAt: now } : oldCa;
}

/** When `retire` no longer waits for peers, in milliseconds since the epoch; undefined: no old CA is to end. */
export function oldCaDue(
  { course, oldCa }: Pick<RotationRecord, 'course' | 'oldCa'>,
  heldUntil: number | undefined,
  withinMs: number,
): number | undefined {
  if (!course || oldCa?.cas !== course.cas || oldCa.endedAt !== undefined) return undefined;
  return Math.max(course.since + withinMs, heldUntil ?? 0);
}
