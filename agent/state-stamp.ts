import { join } from 'node:path';
import type { Hands } from './hands.ts';
import { GENERATION, RUNS, STATE } from './paths.ts';

/** Identifies the records of the agent as they were found. */
export type StateStamp = {
  /** The names in their directories; undefined: unknown. */
  names: string | undefined;
  /** When it was first found, on the monotonic clock. */
  seenAt: number;
};

/** Every record is replaced as a whole, in one of these directories below STATE or in STATE itself. */
const BELOW = [GENERATION, RUNS].map((path) => path.slice(join(STATE, '/').length));

/**
 * Two changes within a tick of the kernel's clock leave the same stamp. A stamp that is older than this holds for
 * every later change.
 */
const YOUNG_MS = 1000;

/** Returns the stamp of the records: `former` itself if none has changed since. */
export async function stampState(
  { disk, clock }: Pick<Hands, 'disk' | 'clock'>,
  former: StateStamp | undefined,
): Promise<StateStamp> {
  const names = await disk.stamp(STATE, BELOW);
  return former && former.names === names ? former : { names, seenAt: clock.elapsed() };
}

/** Whether any later change of a record gives another stamp. */
export const isSure = ({ names, seenAt }: StateStamp, { clock }: Pick<Hands, 'clock'>): boolean =>
  names !== undefined && clock.elapsed() - seenAt >= YOUNG_MS;
