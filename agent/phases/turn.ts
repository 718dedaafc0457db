/** What a master sees when it wants to restart its units. */
export type TurnView = {
  /** This node, as the lease names it. */
  own: string;
  /** Who holds the lease; empty: nobody. */
  holder: string;
  /** The other masters: the members of etcd. */
  others: readonly OtherMaster[];
  /** For how long this node has seen the lease unchanged, by its own clock: no clocks of two nodes are compared. */
  unchangedMs: number;
  /** For how long this node has wanted its turn, as far as it has looked: the time of a suspended machine is none. */
  waitedMs: number;
  /** An interrupted step is to be brought to its end: units of this node may be down. */
  resumes: boolean;
};

export type OtherMaster = {
  name: string;
  /** `gone`: it does not answer, and the Kubernetes API calls it not ready. */
  is: 'well' | 'unwell' | 'gone';
  /** It says that a step of its own is under way. */
  isStepping: boolean;
};

export type Turn =
  | { is: 'mine' }
  /** The lease is to be written, on condition that it is as it was read. */
  | { is: 'free' }
  | { is: 'wait'; why: 'held' | 'stepping' | 'unwell' | 'no-quorum'; for: readonly string[] };

/** How long a turn holds without a renewal: longer than the restart of one unit, before each of which it is renewed. */
export const TURN_MS = 900_000;

/** No turn of a master takes so long. */
const LONGEST_TURN_MS = 3_600_000;

/** A master that restarts is back by then. */
const GONE_MS = 600_000;

/**
 * Whether a master may restart its units now. A forged record delays it, by an hour a master at most. It never hurries
 * it, because the other masters have to be well.
 */
export function turnOf({ own, holder, others, unchangedMs, waitedMs, resumes }: TurnView): Turn {
  const named = (has: (other: OtherMaster) => boolean): string[] =>
    others.filter(has).map(({ name }) => name);
  const isOverdue = waitedMs >= LONGEST_TURN_MS * (others.length + 1);
  const isHeld = others.some(({ name }) => name === holder) && unchangedMs < TURN_MS;
  if (isHeld && !isOverdue) return { is: 'wait', why: 'held', for: [holder] };
  const mayBegin = { is: holder === own ? 'mine' : 'free' } as const;
  if (resumes) return mayBegin;

  const unwell = named(({ is }) => is === 'unwell');
  if (unwell.length > 0) return { is: 'wait', why: 'unwell', for: unwell };
  const stepping = named(({ isStepping }) => isStepping);
  if (stepping.length > 0 && waitedMs < LONGEST_TURN_MS)
    return { is: 'wait', why: 'stepping', for: stepping };
  const gone = named(({ is }) => is === 'gone');
  // While this one restarts, etcd has the other members that are well.
  const keepsQuorum = gone.length === 0 || others.length - gone.length > (others.length + 1) / 2;
  // A master that does not come back costs an outage of seconds at each restart, and not the rotation.
  if (!keepsQuorum && waitedMs < GONE_MS) return { is: 'wait', why: 'no-quorum', for: gone };
  return mayBegin;
}
