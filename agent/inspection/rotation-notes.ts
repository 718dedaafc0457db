import type { Hands } from '../hands.ts';
import { readRotation, type RotationRecord } from '../phases/record.ts';
import { readKubeletRecord } from '../rotation/hanging-pods.ts';
import type { OldCaUser } from '../rotation/old-ca-users.ts';

/** `message` explains `code` to a person. */
export type Note = {
  code:
    | 'retire-is-next'
    | 'reissue-is-next'
    | 'signers-differ'
    | 'old-keys-accepted'
    | 'legacy-tokens-wait'
    | 'client-trust-waits'
    | 'cluster-login-waits'
    | 'rotation-waits'
    | 'rotation-held'
    | 'turn-missed'
    | 'old-ca-in-use'
    | 'pods-hang';
  message: string;
  /** Why it waits: a reason of phases/decide.ts or phases/turn.ts, or the reason of an error. */
  reason?: string;
  /** The nodes that it waits for, or the pods that hang. */
  for?: string[];
  /** ISO 8601. */
  until?: string;
  /** The hold ends within ten minutes, and then the next phase starts. */
  endsSoon?: true;
  /** The first objects that need the old CA, their number, and when they were seen (ISO 8601). */
  objects?: OldCaUser[];
  count?: number;
  seenAt?: string;
};

/**
 * Describes what an automatic rotation waits for.
 *
 * @param isUnderWay whether this node is between two phases; if not, only a wait of a node that joined counts
 */
export async function notesOfWaits({ disk }: Pick<Hands, 'disk'>, isUnderWay: boolean): Promise<Note[]> {
  const { waits, oldCaUsers, holdWarned } = await readRotation({ disk });
  if (!isUnderWay) return waits?.why === 'masters-refused' ? [noteOfWait(waits, holdWarned)] : [];
  const inUse = oldCaUsers && oldCaUsers.count > 0 ? [noteOfUsers(oldCaUsers)] : [];
  return waits ? [noteOfWait(waits, holdWarned), ...inUse] : inUse;
}

function noteOfUsers({ at, count, users, isAll }: NonNullable<RotationRecord['oldCaUsers']>): Note {
  const seenAt = new Date(at).toISOString();
  const named = users
    .slice(0, SHOWN)
    .map(({ kind, namespace, name }) => [kind, namespace, name].filter(Boolean).join(' '));
  const rest = count > SHOWN ? ` and ${count - SHOWN} more` : '';
  const part = isAll ? '' : '; the search was incomplete';
  return {
    code: 'old-ca-in-use',
    message: `objects in the cluster still need the old CA (seen ${seenAt}${part}): ${named.join(', ')}${rest}`,
    objects: users,
    count,
    seenAt,
  };
}

/** Limit for the objects named in one line. */
const SHOWN = 5;

function noteOfWait(
  waits: NonNullable<RotationRecord['waits']>,
  holdWarned: RotationRecord['holdWarned'],
): Note {
  const end = waits.until === undefined ? undefined : new Date(waits.until).toISOString();
  const until = end === undefined ? '' : `, until ${end}`;
  const fields = { reason: waits.why, for: waits.for, ...(end !== undefined && { until: end }) };
  if (waits.why === 'held')
    return {
      code: 'rotation-held',
      message:
        waits.until === holdWarned
          ? `the rotation is on hold${until}, and the next phase then begins; to extend the hold: agent rotation hold`
          : `the rotation is on hold${until}; to end the hold: agent rotation continue`,
      ...fields,
      ...(waits.until === holdWarned && { endsSoon: true }),
    };
  const peers = waits.for.length === 0 ? '' : ` for ${waits.for.join(', ')}`;
  return {
    code: 'rotation-waits',
    message: `the next phase waits${peers}${until}: ${WAITS[waits.why] ?? waits.why}`,
    ...fields,
  };
}

/** Texts for the reasons of phases/decide.ts and phases/turn.ts. */
const WAITS: Readonly<Record<string, string>> = {
  'no-api': 'no API server of the cluster answers',
  'peers-refuse-served': 'they do not accept certificates of the new CA yet',
  'peers-refuse-key':
    'their API servers do not accept the service-account key of this rotation, which Heat did not send them; rotate again',
  'peers-present-former': 'they still present certificates of the old CA',
  'peers-stepping': 'they are in the middle of a phase',
  'masters-refused':
    'they present certificates of a CA that this node does not trust; it joined during a rotation, and works after their phase "reissue"',
  'no-quorum': 'etcd would lose its quorum without them',
  'turn-held': 'another master restarts its services',
  'turn-stepping': 'another master is in the middle of a phase',
  'turn-unwell': 'another master is not well',
  'turn-no-quorum': 'etcd would lose its quorum during a restart',
  'turn-lost': 'another master has taken the turn',
  'turn-no-api': 'no API server of the cluster answers',
  'turn-api-refused': 'the API servers do not accept this node',
};

/** Explains why a node waits, in another node's words; undefined for a reason of another version. */
export const reasonOfWait = (why: string): string | undefined => WAITS[why] ?? REPORTED[why];

/** Texts for the reasons that only a report has. */
const REPORTED: Readonly<Record<string, string>> = {
  stuck: 'a rotation can neither be completed nor rolled back: run "agent doctor" on the node',
  'answer-unacknowledged': 'Heat has not acknowledged the result of this deployment for 15 minutes',
  held: 'the rotation is on hold; to end the hold: agent rotation continue',
  'under-way': 'an interrupted run is completed first',
};

/** The next command for a master that gets no turn because no API server answers. */
export const WITHOUT_TURN = 'agent run-once --without-turn';

export async function notesOfTurn({ disk }: Pick<Hands, 'disk'>): Promise<Note[]> {
  const { turnMissed } = await readRotation({ disk });
  if (!turnMissed) return [];
  const seenAt = new Date(turnMissed.at).toISOString();
  const why = WAITS[`turn-${turnMissed.why}`] ?? turnMissed.why;
  return [
    {
      code: 'turn-missed',
      reason: turnMissed.why,
      seenAt,
      message: `this master has no turn and has restarted nothing (${seenAt}): ${why}; start one, or in an emergency: ${WITHOUT_TURN}`,
    },
  ];
}

/** Names the pods that stay in deletion although the kubelet was restarted for them. */
export async function notesOfPods({ disk }: Pick<Hands, 'disk'>): Promise<Note[]> {
  const { left = [], freedAt } = (await readKubeletRecord({ disk })) ?? {};
  if (left.length === 0 || freedAt === undefined) return [];
  const seenAt = new Date(freedAt).toISOString();
  return [
    {
      code: 'pods-hang',
      for: left,
      seenAt,
      message: `pods stay in deletion although the kubelet was restarted for them (${seenAt}): ${left.join(', ')}; see its journal: journalctl -u kubelet`,
    },
  ];
}
