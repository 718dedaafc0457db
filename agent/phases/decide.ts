import type { Phase } from '../../src/operation/phase.ts';

/** What this node has, compared with the CAs that Magnum serves. */
export type Own = {
  isMaster: boolean;
  /** Each served CA is trusted. */
  trustsServed: boolean;
  /** CAs of before are trusted beside them. */
  trustsFormer: boolean;
  /** Each certificate is signed by a served CA. */
  presentsServed: boolean;
};

/** Another node that this one has TLS connections with. */
export type Peer = {
  name: string;
  isMaster: boolean;
  /** What the Kubernetes API says; undefined: it does not list the node, which only this node's own record names. */
  isReady: boolean | undefined;
  /** It says that a step of its own is under way, which may still be rolled back. */
  isStepping: boolean;
  /** What handshakes with its ports have shown; undefined: none of them answers. */
  seen: Seen | undefined;
};

export type Seen = {
  /** `former`: this node accepts it, but not after `retire`. `refused`: this node does not accept it now. */
  presents: 'served' | 'former' | 'refused';
  /** Whether it accepts a certificate of the served CA. */
  acceptsServed: boolean;
  /** Whether it accepts the certificate that this node presents. */
  acceptsOwn: boolean;
};

/** `refused`: an API server answers, and refuses this node's certificate. */
export type ApiState = 'answers' | 'refused' | 'silent';

/** What the files of root on this node say of the rotation. */
export type Course = {
  /** Since when this node trusts the served CAs, in milliseconds since the epoch. */
  since: number;
  /** No peer is waited for any longer. */
  finishNow: boolean;
  /** The operator's hold ends then. */
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
  /** When it ends by itself, in milliseconds since the epoch; undefined: never. */
  until: number | undefined;
};
export type WaitReason =
  | 'held'
  | 'no-api'
  /** `reissue` would cut these peers off: they do not accept the served CA. */
  | 'peers-refuse-served'
  /** `retire` would cut these peers off: they still present a certificate of a former CA. */
  | 'peers-present-former'
  /** These peers are in the middle of a step, which may still be rolled back. */
  | 'peers-stepping'
  /** Going on without these masters would leave etcd without a quorum. */
  | 'no-quorum';

export type Decision =
  | { do: 'trust' }
  /** `despite`: peers that are cut off, because the time is over. */
  | { do: Exclude<Phase, 'all' | 'trust'>; despite: readonly string[] }
  | Wait
  | { do: 'nothing' };

/**
 * The next step of a rotation on this node. A step is taken when no peer is cut off by it. `trust` never cuts off a
 * peer, so it waits for nothing. A record of the Kubernetes API can delay a step and never hurry one: a peer that
 * answers counts, whatever the API says of it.
 */
export function decide(view: View): Decision {
  const { own, api, peers, course, now, withinMs } = view;
  if (!own.trustsServed) return { do: 'trust' };
  const step = own.presentsServed ? 'retire' : 'reissue';
  if (step === 'retire' && !own.trustsFormer) return { do: 'nothing' };
  if (course.heldUntil !== undefined && course.heldUntil > now) return wait('held', [], course.heldUntil);
  const until = deadline(step, course, withinMs);
  // A node that the API refuses goes by what its handshakes show; without any it knows nothing.
  if (api === 'silent' || (api === 'refused' && !peers.some(({ seen }) => seen))) return wait('no-api', []);

  const cutOff = peers.filter(isCutOff[step]);
  const stepping = peers.filter((peer) => peer.seen && peer.isStepping && !cutOff.includes(peer));
  const isOver = (time: number): boolean => course.finishNow || now >= time;
  if (cutOff.length > 0 && !isOver(until))
    return wait(step === 'reissue' ? 'peers-refuse-served' : 'peers-present-former', cutOff, until);
  if (stepping.length > 0 && !isOver(until + LONGEST_STEP_MS))
    return wait('peers-stepping', stepping, until + LONGEST_STEP_MS);
  const masters = cutOff.filter(({ isMaster }) => isMaster);
  if (own.isMaster && !hasQuorum(masters.length, peers)) return wait('no-quorum', masters);
  return { do: step, despite: [...cutOff, ...stepping].map(({ name }) => name) };
}

const wait = (why: WaitReason, peers: readonly Peer[], until?: number): Wait => ({
  do: 'wait',
  why,
  for: peers.map(({ name }) => name),
  until,
});

/** A step that takes longer has been interrupted. */
export const LONGEST_STEP_MS = 3_600_000;

/**
 * When a step no longer waits. `reissue` has half of the time: nodes learn of a rotation at different moments, and one
 * that has given up waiting drops the former CA only when the others have given up as well.
 */
const deadline = (step: 'reissue' | 'retire', { since }: Course, withinMs: number): number =>
  since + (step === 'reissue' ? withinMs / 2 : withinMs);

/** One that is ready and does not answer may be cut off: nothing is known of it. */
const isCutOff = {
  reissue: ({ isReady, seen }: Peer): boolean =>
    seen ? seen.acceptsOwn && !seen.acceptsServed : isReady === true,
  retire: ({ isReady, seen }: Peer): boolean => (seen ? seen.presents === 'former' : isReady === true),
} as const;

/** Of the masters, this one among them. */
function hasQuorum(lost: number, peers: readonly Peer[]): boolean {
  const masters = peers.filter(({ isMaster }) => isMaster).length + 1;
  return masters - lost > masters / 2;
}
