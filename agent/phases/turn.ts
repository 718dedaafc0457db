/** The input for the decision whether a master may restart its units. */
export type TurnView = {
  /** This node's name in the lease. */
  own: string;
  /** The holder of the lease; empty: no holder. */
  holder: string;
  /** The other masters: the members of etcd. */
  others: readonly OtherMaster[];
  /** How long this node has seen the lease unchanged, by its own clock: clocks of two nodes are never compared. */
  unchangedMs: number;
  /** How long this node has waited for its turn. Time in which the machine was suspended does not count. */
  waitedMs: number;
  /** An interrupted step must be completed: units of this node may be stopped. */
  resumes: boolean;
};

export type OtherMaster = {
  name: string;
  /** `gone`: it does not answer, and its Node is not ready in the Kubernetes API. */
  is: 'well' | 'unwell' | 'gone';
  /** It announces a step in progress. */
  isStepping: boolean;
};

export type Turn =
  | { is: 'mine' }
  /** The caller must write the lease, provided that it is unchanged since it was read. */
  | { is: 'free' }
  | { is: 'wait'; why: 'held' | 'stepping' | 'unwell' | 'no-quorum'; for: readonly string[] };

/** The lifetime of a turn without renewal. It is renewed before the restart of each unit, which takes less time. */
export const TURN_MS = 900_000;

/** Maximum duration of a master's turn. */
const LONGEST_TURN_MS = 3_600_000;

/** Maximum duration of a master's restart. */
const GONE_MS = 600_000;

/**
 * Decides whether a master may restart its units now. A forged record can delay it, by at most an hour for each master.
 * It can never allow a restart too early, because the other masters must be healthy.
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
  // While this master restarts, etcd must keep a majority of healthy members.
  const keepsQuorum = gone.length === 0 || others.length - gone.length > (others.length + 1) / 2;
  // A master that does not return must not stop the rotation. Its cost is an outage of seconds at each restart.
  if (!keepsQuorum && waitedMs < GONE_MS) return { is: 'wait', why: 'no-quorum', for: gone };
  return mayBegin;
}
