import type { FileRow, KubeconfigRow, RoleLayout } from '../certificates/layout.ts';
import type { ServiceAccountKeys } from '../certificates/service-account-keys.ts';
import type { Recognized } from '../certificates/recognize.ts';
import { type PassOver, pathsOf, type PossibleCopy } from './candidates.ts';
import { findCopies, knownTo, pairsOf, renewCopies } from './copies.ts';
import { type Known, renewKubeconfig } from './kubeconfig.ts';
import { newKubeconfig } from './new-kubeconfig.ts';
import type { ManagedFile } from './managed-file.ts';
import { type Fresh, type Renewal, renewalOf } from './renewal.ts';

export type RenderHands = {
  /** Reads the present file; undefined if it does not exist. */
  read(path: string): Promise<Pick<PossibleCopy, 'text' | 'id'> | undefined>;
  /** Reads a possible copy; undefined also if the file cannot be one. */
  readCopy(path: string): Promise<PossibleCopy | undefined>;
  passOver: PassOver;
  /** Files outside the layout that may contain copies of what it replaces. */
  candidates: readonly string[];
  /** Replaces placeholders of the layout by this node's values. */
  fill(text: string): string;
  /** The cluster's name in a new kubeconfig. */
  clusterName: string;
  /** Tells which of the node's present certificates a PEM is a copy of. */
  recognize(pem: string): Recognized | undefined;
};

/** Returns every file of a rotation with its new content, in the order of writing. */
export async function renderFiles(
  role: RoleLayout,
  fresh: Fresh,
  hands: RenderHands,
): Promise<ManagedFile[]> {
  const renewal = renewalOf(fresh, hands.recognize);
  const copies = await findCopies(hands.candidates, pathsOf(role), hands.readCopy, hands.passOver);
  const files: ManagedFile[] = [];
  for (const { ca, file, single } of role.authorities) {
    if (single !== true) files.push(managed(file, renewal.authority(ca)));
    // The signer keeps the former CA as long as its certificates stay.
    else if (!renewal.leavesStay) files.push(managed(file, renewal.signing(ca)));
  }
  for (const row of renewal.leavesStay ? [] : role.certificates) {
    const { certificate, key } = renewal.leaf(row.name);
    if (!row.files) continue;
    if (row.files.key.path === row.files.certificate.path)
      files.push(managed(row.files.key, `${certificate}${key}`));
    else files.push(managed(row.files.key, key), managed(row.files.certificate, certificate));
  }
  const pairs = pairsOf(copies, role, renewal);
  const known = knownTo(renewal, role, pairs);
  for (const row of role.kubeconfigs) {
    const current = await hands.read(row.file.path);
    const content = renderKubeconfig(row, current?.text, role, renewal, known, hands);
    if (content !== undefined) files.push({ ...managed(row.file, content), madeFrom: current?.id });
  }
  return [...files, ...renewCopies(copies, renewal, pairs, known)];
}

/** Returns the files of the service-account keys, if the role has any. */
export const renderServiceAccount = (
  { serviceAccount: row }: RoleLayout,
  { publicKeys, privateKey }: Pick<ServiceAccountKeys, 'privateKey' | 'publicKeys'>,
): ManagedFile[] => [
  ...(row && privateKey !== undefined ? [managed(row.privateKeyFile, privateKey)] : []),
  ...(row && publicKeys !== undefined ? [managed(row.publicKeyFile, publicKeys)] : []),
];

function renderKubeconfig(
  row: KubeconfigRow,
  current: string | undefined,
  role: RoleLayout,
  renewal: Renewal,
  known: (path: string) => Known,
  hands: RenderHands,
): string | undefined {
  const ca = renewal.authority(row.ca);
  const pair = renewal.leavesStay ? undefined : renewal.leaf(row.certificate);
  const { path } = row.file;
  if (current !== undefined) return renewKubeconfig(path, current, { ca, pair }, known(path));
  if (!row.create || !pair) return undefined;
  const names = {
    cluster: hands.clusterName,
    user: hands.fill(row.user),
    server: hands.fill(row.server),
  };
  const certificate = role.certificates.find(({ name }) => name === row.certificate);
  const files = row.byPath === true ? certificate?.files : undefined;
  return newKubeconfig(
    { ca, ...pair },
    names,
    files && { certificate: files.certificate.path, key: files.key.path },
  );
}

const managed = (row: FileRow, content: string): ManagedFile => ({ ...row, content });
