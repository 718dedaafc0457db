import type { X509Certificate } from 'node:crypto';
import { readText } from '../../src/base/disk.ts';
import { AgentError } from '../../src/base/errors.ts';
import type { CaType } from '../../src/certificates/layout.ts';
import { certificatesIn, fingerprint, signerOf } from '../../src/certificates/read.ts';
import { sameCa } from '../../src/certificates/trusted.ts';
import type { Hands } from '../hands.ts';
import { type Node, readNode } from '../node.ts';
import { readCurrentCertificates } from '../../src/files/current-certificates.ts';
import { readRotation, type RotationRecord } from '../phases/record.ts';
import type { OldCaUser } from '../rotation/old-ca-users.ts';
import { readFollowUps } from '../rotation/follow-ups.ts';
import { readKept } from '../rotation/service-account.ts';

/** Where a node is in a CA rotation. */
export type RotationState = {
  /** The last phase that it has gone through; null when it trusts one CA of each kind, and nothing is under way. */
  phase: 'trust' | 'reissue' | null;
  /** What is to be done, or known, about it. */
  notes: Note[];
  /** When the node was first seen without the old CA (ISO 8601), after a rotation that went on by itself. */
  oldCaEndedAt?: string;
};

/** `message` says for a person what `code` says for a program. */
type Note = {
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
    | 'old-ca-in-use';
  message: string;
  /** Why it waits: a reason of phases/decide.ts or phases/turn.ts, or of an error. */
  reason?: string;
  /** The nodes that it waits for. */
  for?: string[];
  /** ISO 8601. */
  until?: string;
  /** The first of the objects that need the old CA, how many there are, and when they were seen (ISO 8601). */
  objects?: OldCaUser[];
  count?: number;
  seenAt?: string;
};

type Reader = Pick<Hands, 'disk' | 'config' | 'hostname' | 'secrets'>;

/**
 * Reads it from the node's certificates: from how many CAs are trusted, and which of them has signed the others. The
 * journal of the service-account keys says which of these go.
 */
export async function rotationState(hands: Reader): Promise<RotationState> {
  try {
    const { phase, notes } = await phaseOf(await readNode(hands), hands);
    const waits = phase === null ? [] : await notesOfWaits(hands);
    const { oldCa } = await readRotation(hands);
    const ended = phase === null ? oldCa?.endedAt : undefined;
    return {
      phase,
      ...(ended !== undefined && { oldCaEndedAt: new Date(ended).toISOString() }),
      notes: [...notes, ...waits, ...(await notesOfKeys(hands)), ...(await notesOfFollowUps(hands))],
    };
  } catch (error) {
    // The node is not set up yet, or its files are faulty; `agent certs` reports that.
    if (error instanceof AgentError) return { phase: null, notes: [] };
    throw error;
  }
}

const NOT_UNDER_WAY: RotationState = { phase: null, notes: [] };

async function phaseOf({ layout }: Node, { disk }: Reader): Promise<RotationState> {
  const read = async (path: string): Promise<string | undefined> => await readText(disk, path);
  const { authorities, certificates } = await readCurrentCertificates(layout, read);
  const trusted = (type: CaType): X509Certificate[] =>
    authorities.flatMap(([ca, pem], index) =>
      sameCa(ca, type) && layout.authorities[index]?.single !== true ? certificatesIn(pem, ca) : [],
    );
  const several = authorities
    .map(([ca]) => trusted(ca))
    .find((cas) => new Set(cas.map(fingerprint)).size > 1);
  if (!several) return NOT_UNDER_WAY;
  const signers = certificates.flatMap(([name, pem]) => {
    const row = layout.certificates.find((one) => one.name === name);
    const cas = row ? trusted(row.ca) : [];
    const [leaf] = certificatesIn(pem, name);
    return cas.length > 1 ? [isOfNewest(leaf, cas)] : [];
  });
  if (signers.every((is) => is === 'yes'))
    return {
      phase: 'reissue',
      notes: [
        {
          code: 'retire-is-next',
          message:
            'the old CA is still trusted beside the new one, which has signed the certificates: once every node has come so far, retire it with the phase "retire"',
        },
      ],
    };
  if (signers.every((is) => is === 'no'))
    return {
      phase: 'trust',
      notes: [
        {
          code: 'reissue-is-next',
          message:
            'the new CA is trusted beside the old one, which has signed the certificates: once every node has come so far, renew them with the phase "reissue"',
        },
      ],
    };
  return {
    phase: 'trust',
    notes: [
      {
        code: 'signers-differ',
        message:
          'several CAs are trusted, and not all certificates are known to be of the newest: renew them with the phase "reissue"',
      },
    ],
  };
}

const since = ({ validFromDate }: X509Certificate): number => validFromDate.getTime();

/** Whether the newest of several CAs has signed a certificate. */
function isOfNewest(
  leaf: X509Certificate | undefined,
  cas: readonly X509Certificate[],
): 'yes' | 'no' | 'unknown' {
  const last = Math.max(...cas.map(since));
  const newest = new Set(cas.filter((ca) => since(ca) === last).map(fingerprint));
  const signer = leaf && signerOf(leaf, cas);
  if (!signer || newest.size > 1) return 'unknown';
  return newest.has(fingerprint(signer)) ? 'yes' : 'no';
}

async function notesOfKeys({ disk }: Reader): Promise<Note[]> {
  const { leaving = [], heldBy } = (await readKept({ disk })) ?? {};
  if (leaving.length === 0) return [];
  const until = new Date(Math.max(...leaving.map((one) => one.until))).toISOString();
  const keys =
    leaving.length === 1 ? '1 old service-account key is' : `${leaving.length} old service-account keys are`;
  return [
    {
      code: 'old-keys-accepted',
      until,
      message: `${keys} accepted until ${until}${heldBy === undefined ? '' : `, because these pods may still use them: ${heldBy}`}`,
    },
  ];
}

/** Whom a rotation that goes on by itself waits for. */
async function notesOfWaits({ disk }: Reader): Promise<Note[]> {
  const { waits, oldCaUsers } = await readRotation({ disk });
  const inUse = oldCaUsers && oldCaUsers.count > 0 ? [noteOfUsers(oldCaUsers)] : [];
  return waits ? [noteOfWait(waits), ...inUse] : inUse;
}

function noteOfUsers({ at, count, users, isAll }: NonNullable<RotationRecord['oldCaUsers']>): Note {
  const seenAt = new Date(at).toISOString();
  const named = users
    .slice(0, SHOWN)
    .map(({ kind, namespace, name }) => [kind, namespace, name].filter(Boolean).join(' '));
  const rest = count > SHOWN ? ` and ${count - SHOWN} more` : '';
  const part = isAll ? '' : '; not all were seen';
  return {
    code: 'old-ca-in-use',
    message: `objects in the cluster still need the old CA (seen ${seenAt}${part}): ${named.join(', ')}${rest}`,
    objects: users,
    count,
    seenAt,
  };
}

/** So many objects are named in a line. */
const SHOWN = 5;

function noteOfWait(waits: NonNullable<RotationRecord['waits']>): Note {
  const end = waits.until === undefined ? undefined : new Date(waits.until).toISOString();
  const until = end === undefined ? '' : `, until ${end}`;
  const fields = { reason: waits.why, for: waits.for, ...(end !== undefined && { until: end }) };
  if (waits.why === 'held')
    return {
      code: 'rotation-held',
      message: `the rotation is on hold${until}: agent rotation continue`,
      ...fields,
    };
  const peers = waits.for.length === 0 ? '' : ` for ${waits.for.join(', ')}`;
  return {
    code: 'rotation-waits',
    message: `the next phase waits${peers}${until}: ${WAITS[waits.why] ?? waits.why}`,
    ...fields,
  };
}

/** By the reasons of phases/decide.ts and phases/turn.ts. */
const WAITS: Readonly<Record<string, string>> = {
  'no-api': 'no API server of the cluster answers',
  'peers-refuse-served': 'they do not accept certificates of the new CA yet',
  'peers-present-former': 'they still present certificates of the old CA',
  'peers-stepping': 'they are in the middle of a phase',
  'no-quorum': 'etcd would lose its quorum without them',
  'turn-held': 'another master restarts its services',
  'turn-stepping': 'another master is in the middle of a phase',
  'turn-unwell': 'another master is not well',
  'turn-no-quorum': 'etcd would lose its quorum during a restart',
  'turn-lost': 'another master has taken the turn',
  'turn-no-api': 'no API server of the cluster answers',
};

/** What is left to do in the cluster, where a look has missed something. */
async function notesOfFollowUps({ disk }: Reader): Promise<Note[]> {
  const { tokens, clientTrust, credentials } = await readFollowUps({ disk });
  const waits: Note[] = [];
  if (tokens?.why !== undefined)
    waits.push({
      code: 'legacy-tokens-wait',
      message: `legacy service-account tokens are not all signed with the new key yet: ${tokens.why}`,
    });
  if (clientTrust?.why !== undefined)
    waits.push({
      code: 'client-trust-waits',
      message: `aggregated API servers may still trust the old CA: ${clientTrust.why}`,
    });
  if (credentials?.why !== undefined)
    waits.push({
      code: 'cluster-login-waits',
      message: `Secrets, config maps or pods of the cluster may still use the former credentials: ${credentials.why}`,
    });
  return waits;
}
