import type { Material } from '../certificates/issue.ts';
import type { FileRow, KubeconfigRow, RoleLayout } from '../certificates/layout.ts';
import type { Recognized } from '../certificates/recognize.ts';
import { pathsOf } from './candidates.ts';
import { findCopies, knownTo, renewCopies } from './copies.ts';
import { type Identity, type Known, newKubeconfig, renewKubeconfig } from './kubeconfig.ts';
import type { ManagedFile } from './managed-file.ts';
import { type Renewal, renewalOf } from './renewal.ts';

export type RenderHands = {
  /** The file as it is now; undefined when the node has none. */
  read(path: string): Promise<string | undefined>;
  /** The same of a file that the layout does not name; undefined also for one that is too large to be a copy. */
  readCopy(path: string): Promise<string | undefined>;
  /** Files that the layout does not name and that may hold copies of what it replaces. */
  candidates: readonly string[];
  /** Fills a text of the layout with this node's values. */
  fill(text: string): string;
  /** What a new kubeconfig calls the cluster. */
  clusterName: string;
  /** Says what a PEM is a copy of, among what the node has now. */
  recognize(pem: string): Recognized | undefined;
};

/** Every file of a rotation with its new content, in the order in which they are written. */
export async function renderFiles(
  role: RoleLayout,
  material: Material,
  hands: RenderHands,
): Promise<ManagedFile[]> {
  const renewal = renewalOf(material, hands.recognize);
  const copies = await findCopies(hands.candidates, pathsOf(role), hands.readCopy);
  const files: ManagedFile[] = [];
  for (const { ca, file } of role.authorities) files.push(managed(file, renewal.authority(ca)));
  for (const row of role.certificates) {
    const { certificate, key } = renewal.leaf(row.name);
    if (!row.files) continue;
    if (row.files.key.path === row.files.certificate.path)
      files.push(managed(row.files.key, `${certificate}${key}`));
    else files.push(managed(row.files.key, key), managed(row.files.certificate, certificate));
  }
  const known = knownTo(renewal, role, copies);
  for (const row of role.kubeconfigs) {
    const content = await renderKubeconfig(row, role, renewal, known, hands);
    if (content !== undefined) files.push(managed(row.file, content));
  }
  return [...files, ...renewCopies(copies, role, renewal, known)];
}

/** The service-account key pair, where the role has one. */
export const renderServiceAccount = (
  { serviceAccount: row }: RoleLayout,
  { publicKey, privateKey }: { publicKey: string; privateKey: string },
): ManagedFile[] =>
  row ? [managed(row.privateKeyFile, privateKey), managed(row.publicKeyFile, publicKey)] : [];

async function renderKubeconfig(
  row: KubeconfigRow,
  role: RoleLayout,
  renewal: Renewal,
  known: (path: string) => Known,
  hands: RenderHands,
): Promise<string | undefined> {
  const identity: Identity = { ca: renewal.authority(row.ca), ...renewal.leaf(row.certificate) };
  const { path } = row.file;
  const current = await hands.read(path);
  if (current !== undefined) return renewKubeconfig(path, current, identity, known(path));
  if (!row.create) return undefined;
  const names = {
    cluster: hands.clusterName,
    user: hands.fill(row.user),
    server: hands.fill(row.server),
  };
  const certificate = role.certificates.find(({ name }) => name === row.certificate);
  const files = row.byPath === true ? certificate?.files : undefined;
  return newKubeconfig(
    identity,
    names,
    files && { certificate: files.certificate.path, key: files.key.path },
  );
}

const managed = (row: FileRow, content: string): ManagedFile => ({ ...row, content });
