import type { RotationRecord } from './record.ts';

/** How long before its end a hold is announced. */
const WARNED_BEFORE_MS = 600_000;

/**
 * Whether to warn now that a hold ends; true once for each end. After the hold, the node starts its next phase by
 * itself.
 *
 * @param until the end of the hold, in milliseconds since the epoch
 */
export const warnsOfEnd = (
  until: number | undefined,
  { holdWarned }: Pick<RotationRecord, 'holdWarned'>,
  now: number,
): until is number => until !== undefined && until !== holdWarned && until - now <= WARNED_BEFORE_MS;
