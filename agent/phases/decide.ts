import type { Phase } from '../../src/operation/phase.ts';

/** This node's files, compared with the CAs that Magnum serves. */
export type Own = {
  isMaster: boolean;
  /** The node trusts each served CA. */
  trustsServed: boolean;
  /** The node also trusts former CAs. */
  trustsFormer: boolean;
  /** A served CA has signed each certificate. */
  presentsServed: boolean;
};

/** Another node that has TLS connections with this one. */
export type Peer = {
  name: string;
  isMaster: boolean;
  /** The status in the Kubernetes API. undefined: the API does not list the node; only this node's own record does. */
  isReady: boolean | undefined;
  /** It announces a step in progress, which may still be rolled back. */
  isStepping: boolean;
  /** The result of handshakes with its ports; undefined: none of them answers. */
  seen: Seen | undefined;
};

export type Seen = {
  /** `former`: this node accepts it now, but not after `retire`. `refused`: this node rejects it now. */
  presents: 'served' | 'former' | 'refused';
  /** Whether it accepts a certificate of the served CA. */
  acceptsServed: boolean;
  /** Whether it accepts the certificate that this node presents. */
  acceptsOwn: boolean;
  /** It says that it does not accept tokens of the service-account key that signs from `reissue` on. */
  refusesTokenKey?: true;
};

/** `refused`: an API server answers, and rejects this node's certificate. */
export type ApiState = 'answers' | 'refused' | 'silent';

/** The state of the rotation in root's files on this node. */
export type Course = {
  /** Since when this node trusts the served CAs, in milliseconds since the epoch. */
  since: number;
  /** The node no longer waits for any peer. */
  finishNow: boolean;
  /** When the operator's hold expires. */
  heldUntil: number | undefined;
};

export type View = {
  own: Own;
  api: ApiState;
  peers: readonly Peer[];
  course: Course;
  now: number;
  /** `rotation.retire_within` */
  withinMs: number;
};

export type Wait = {
  do: 'wait';
  why: WaitReason;
  /** Names of the peers. */
  for: readonly string[];
  /** When the wait expires, in milliseconds since the epoch; undefined: never. */
  until: number | undefined;
};
export type WaitReason =
  | 'held'
  | 'no-api'
  /** `reissue` would cut these peers off: they do not accept the served CA. */
  | 'peers-refuse-served'
  /** These API servers would refuse the tokens that this master signs after `reissue`. */
  | 'peers-refuse-key'
  /** `retire` would cut these peers off: they still present a certificate of a former CA. */
  | 'peers-present-former'
  /** These peers are in the middle of a step that may still be rolled back. */
  | 'peers-stepping'
  /** This worker rejects the certificate of every master: it joined in the rotation, before their `reissue`. */
  | 'masters-refused'
  /** Continuing without these masters would cost etcd its quorum. */
  | 'no-quorum';

export type Decision =
  | { do: 'trust' }
  /**
   * `despite`: peers that are cut off because the time limit has passed. `keepsTokenKey`: the present service-account
   * key goes on signing.
   */
  | { do: Exclude<Phase, 'all' | 'trust'>; despite: readonly string[]; keepsTokenKey?: true }
  | Wait
  | { do: 'nothing' };

/**
 * Decides the next step of a rotation on this node. A step is due when it cuts off no peer. `trust` never cuts off a
 * peer, so it waits for nothing. Data from the Kubernetes API can delay a step but never bring it forward. For a peer
 * that answers, only its handshakes count.
 */
export function decide(view: View): Decision {
  const { own, api, peers, course, now, withinMs } = view;
  if (!own.trustsServed) return { do: 'trust' };
  const step = own.presentsServed ? 'retire' : 'reissue';
  if (step === 'retire' && !own.trustsFormer)
    return isShutOut(view) ? wait('masters-refused', peers) : { do: 'nothing' };
  if (course.heldUntil !== undefined && course.heldUntil > now) return wait('held', [], course.heldUntil);
  const until = deadline(step, course, withinMs);
  // If the API rejects this node, its handshakes with peers decide. Without any handshake, nothing is known.
  if (api === 'silent' || (api === 'refused' && !peers.some(({ seen }) => seen))) return wait('no-api', []);

  const cutOff = peers.filter(isCutOff[step]);
  const stepping = peers.filter((peer) => peer.seen && peer.isStepping && !cutOff.includes(peer));
  const isOver = (time: number): boolean => course.finishNow || now >= time;
  if (cutOff.length > 0 && !isOver(until))
    return wait(step === 'reissue' ? 'peers-refuse-served' : 'peers-present-former', cutOff, until);
  if (stepping.length > 0 && !isOver(until + LONGEST_STEP_MS))
    return wait('peers-stepping', stepping, until + LONGEST_STEP_MS);
  const refusing = step === 'reissue' ? peers.filter(({ seen }) => seen?.refusesTokenKey) : [];
  if (refusing.length > 0 && !isOver(until)) return wait('peers-refuse-key', refusing, until);
  const masters = cutOff.filter(({ isMaster }) => isMaster);
  if (own.isMaster && !hasQuorum(masters.length, peers)) return wait('no-quorum', masters);
  const despite = [...cutOff, ...stepping].map(({ name }) => name);
  return { do: step, despite, ...(refusing.length > 0 && { keepsTokenKey: true }) };
}

const wait = (why: WaitReason, peers: readonly Peer[], until?: number): Wait => ({
  do: 'wait',
  why,
  for: peers.map(({ name }) => name),
  until,
});

/** Maximum duration of a step. A longer one has been interrupted. */
export const LONGEST_STEP_MS = 3_600_000;

/**
 * Returns when a step stops waiting. `reissue` has half of the time, because nodes learn of a rotation at different
 * moments. So a node drops the former CA only after all others have stopped waiting with `reissue` too.
 */
const deadline = (step: 'reissue' | 'retire', { since }: Course, withinMs: number): number =>
  since + (step === 'reissue' ? withinMs / 2 : withinMs);

/**
 * Whether a step would cut off a peer. A peer that is ready but does not answer counts as cut off, because its state is
 * unknown.
 */
const isCutOff = {
  reissue: ({ isReady, seen }: Peer): boolean =>
    seen ? seen.acceptsOwn && !seen.acceptsServed : isReady === true,
  retire: ({ isReady, seen }: Peer): boolean => (seen ? seen.presents === 'former' : isReady === true),
} as const;

/** Whether this worker can connect to no master. It gets the former CA from none: no connection to one is verified. */
const isShutOut = ({ own, peers }: View): boolean =>
  !own.isMaster &&
  peers.some(({ seen }) => seen) &&
  peers.every(({ seen }) => !seen || seen.presents === 'refused');

/** Whether a majority of the masters, including this one, remains. */
function hasQuorum(lost: number, peers: readonly Peer[]): boolean {
  const masters = peers.filter(({ isMaster }) => isMaster).length + 1;
  return masters - lost > masters / 2;
}
