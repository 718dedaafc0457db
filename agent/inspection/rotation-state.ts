import type { X509Certificate } from 'node:crypto';
import { readText } from '../../src/base/disk.ts';
import { AgentError } from '../../src/base/errors.ts';
import type { CaType } from '../../src/certificates/layout.ts';
import { certificatesIn, fingerprint, signerOf } from '../../src/certificates/read.ts';
import { sameCa } from '../../src/certificates/trusted.ts';
import type { Hands } from '../hands.ts';
import { type Node, readNode } from '../node.ts';
import { readCurrentCertificates } from '../../src/files/current-certificates.ts';
import { readRotation } from '../phases/record.ts';
import { readFollowUps } from '../rotation/follow-ups.ts';
import { readKept } from '../rotation/service-account.ts';
import { type Note, notesOfPods, notesOfTurn, notesOfWaits } from './rotation-notes.ts';

/** The position of a node in a CA rotation. */
export type RotationState = {
  /** The last completed phase. null when the node trusts one CA of each kind and no rotation is under way. */
  phase: 'trust' | 'reissue' | null;
  /** Pending tasks and facts about the rotation. */
  notes: Note[];
  /** When the node was first seen without the old CA (ISO 8601), after an automatic rotation. */
  oldCaEndedAt?: string;
};

type Reader = Pick<Hands, 'disk' | 'config' | 'hostname' | 'secrets'>;

/**
 * Determines the position from the node's certificates: the number of trusted CAs, and which of them signed the others.
 * The journal of the service-account keys determines the keys that will be removed.
 */
export async function rotationState(hands: Reader): Promise<RotationState> {
  try {
    const { phase, notes } = await phaseOf(await readNode(hands), hands);
    const waits = await notesOfWaits(hands, phase !== null);
    const { oldCa } = await readRotation(hands);
    const ended = phase === null ? oldCa?.endedAt : undefined;
    return {
      phase,
      ...(ended !== undefined && { oldCaEndedAt: new Date(ended).toISOString() }),
      notes: [
        ...notes,
        ...waits,
        ...(await notesOfTurn(hands)),
        ...(await notesOfKeys(hands)),
        ...(await notesOfFollowUps(hands)),
        ...(await notesOfPods(hands)),
      ],
    };
  } catch (error) {
    // The node is not set up yet, or its files are faulty. `agent certs` reports that.
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
            'the new CA has signed the certificates, and the old CA is still trusted: when every node is this far, run the phase "retire"',
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
            'the new CA is trusted, and the old CA has signed the certificates: when every node is this far, run the phase "reissue"',
        },
      ],
    };
  return {
    phase: 'trust',
    notes: [
      {
        code: 'signers-differ',
        message:
          'several CAs are trusted, and some certificates may not be signed by the newest: run the phase "reissue"',
      },
    ],
  };
}

const since = ({ validFromDate }: X509Certificate): number => validFromDate.getTime();

/** Whether the newest of several CAs signed a certificate. */
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

/** Lists follow-ups that remain in the cluster after an unsuccessful attempt. */
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
