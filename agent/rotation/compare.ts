import type { X509Certificate } from 'node:crypto';
import { type Disk, readIfThere, readText } from '../../src/base/disk.ts';
import { AgentError } from '../../src/base/errors.ts';
import type { AuthorityRow, CaType } from '../../src/certificates/layout.ts';
import { certificatesIn } from '../../src/certificates/read.ts';
import { isSigning } from '../../src/certificates/service-account-keys.ts';
import { sameCa } from '../../src/certificates/trusted.ts';
import type { Phase } from '../../src/operation/phase.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { readCurrentCertificates } from '../../src/files/current-certificates.ts';
import { readKeys } from './service-account.ts';
import { signingFilesOf, signingKeyBeside } from './signing-key.ts';

/** The input of a comparison. */
export type Comparison = {
  phase: Exclude<Phase, 'all'>;
  /** The CAs that Magnum serves. */
  fresh: ReadonlyMap<CaType, X509Certificate>;
  serviceAccount: { publicKey: string } | undefined;
};

/**
 * Checks whether a phase may follow the node's present state, as its certificates show it.
 *
 * @returns why there is nothing to do; undefined when the phase has work
 * @throws `precondition` when the phase would break the node or the cluster
 */
export async function compare(
  { phase, fresh, serviceAccount }: Comparison,
  node: Node,
  hands: Hands,
): Promise<string | undefined> {
  const { layout } = node;
  const read = async (path: string): Promise<string | undefined> => await readText(hands.disk, path);
  const { authorities, certificates } = await readCurrentCertificates(layout, read);
  const freshOf = (type: CaType): X509Certificate | undefined =>
    [...fresh].find(([ca]) => sameCa(ca, type))?.[1];
  // A file with exactly one certificate is for signing; it is not a trust bundle.
  const trusted = authorities.filter((_, index) => layout.authorities[index]?.single !== true);
  const untrusted = trusted.filter(([type, pem]) => {
    const mark = freshOf(type)?.fingerprint256;
    return !certificatesIn(pem, `the ${type} CA`).some((one) => one.fingerprint256 === mark);
  });
  if (phase === 'trust') {
    for (const row of layout.authorities.filter(({ ca }) => untrusted.some(([type]) => type === ca)))
      await refuseSigningPair(row, node, hands.disk);
    return undefined;
  }

  const [[type] = []] = untrusted;
  // Magnum's CA may have been rotated again. The cluster would reject certificates of the newest CA.
  if (phase === 'reissue' && type !== undefined)
    throw new AgentError(
      'precondition',
      `this node does not trust the ${type} CA that Magnum serves, so other nodes may not either: run the phase "trust" on every node first`,
      { reason: 'trust-first' },
    );
  const others = certificates.filter(([name, pem]) => {
    const row = layout.certificates.find((one) => one.name === name);
    const ca = row && freshOf(row.ca);
    const [certificate] = certificatesIn(pem, name);
    return !ca || certificate?.verify(ca.publicKey) !== true;
  });
  const signs = await doesSign(serviceAccount, node, hands);
  if (phase === 'reissue')
    return others.length === 0 && signs
      ? 'the CA that Magnum serves has already signed the certificates: nothing to do'
      : undefined;
  if (others.length > 0)
    throw new AgentError(
      'precondition',
      `${others.map(([name]) => name).join(', ')}: not signed by the CA that Magnum serves, and invalid without the old CA: run the phase "reissue" on every node first`,
      { reason: 'reissue-first' },
    );
  if (!signs)
    throw new AgentError(
      'precondition',
      'service-account tokens are still signed with the old key: run the phase "reissue" on every master first',
      { reason: 'reissue-first' },
    );
  return undefined;
}

/** Whether tokens are signed with the key of this rotation: the given pair, or the one that an earlier phase stored. */
async function doesSign(
  pair: Comparison['serviceAccount'],
  { layout }: Node,
  hands: Hands,
): Promise<boolean> {
  if (!layout.serviceAccount) return true;
  const keys = await readKeys(layout, hands);
  const wanted = pair ?? keys.next;
  return !wanted || isSigning(keys, wanted);
}

/**
 * Rejects a second CA in the CA file with which kube-controller-manager signs: it would not start with two
 * certificates.
 */
async function refuseSigningPair(row: AuthorityRow, { layout }: Node, disk: Disk): Promise<void> {
  const { path } = row.file;
  // The controller manager has its own CA file, or gets one.
  if (layout.signer && sameCa(layout.signer.ca, row.ca) && (await signingFilesOf(layout.signer, disk)))
    return;
  const key = row.single === true ? undefined : await signingKeyBeside(row, disk);
  const pem = await readIfThere(disk, path);
  if (key && pem && certificatesIn(pem.toString('utf8'), path).some(key.isOf))
    throw new AgentError(
      'precondition',
      `${key.path} is the key of the CA in ${path}: kube-controller-manager signs with these two and takes exactly one certificate, so a second CA cannot be trusted there; give it a file of its own (--cluster-signing-cert-file and -key-file), or rotate with phase "all"`,
      { reason: 'signing-pair' },
    );
}
