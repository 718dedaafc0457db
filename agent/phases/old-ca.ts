import type { Own } from './decide.ts';
import type { RotationRecord } from './record.ts';

/** The end of the old CA on a node. The old CA is the one before those of `cas`. */
export type OldCa = NonNullable<RotationRecord['oldCa']>;

/**
 * Updates the record from an observation of the node. The end is detected from the CAs that the node trusts and not
 * from a step. A deployment or the recovery of an interrupted run can end the old CA too.
 *
 * @param cas the served CAs as one string
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

/**
 * Returns when `retire` stops waiting for peers, in milliseconds since the epoch; undefined: no old CA is due to end.
 */
export function oldCaDue(
  { course, oldCa }: Pick<RotationRecord, 'course' | 'oldCa'>,
  heldUntil: number | undefined,
  withinMs: number,
): number | undefined {
  if (!course || oldCa?.cas !== course.cas || oldCa.endedAt !== undefined) return undefined;
  return Math.max(course.since + withinMs, heldUntil ?? 0);
}
