import type { Material } from '../certificates/issue.ts';
import type { FileRow, KubeconfigRow, RoleLayout } from '../certificates/layout.ts';
import { AgentError } from '../base/errors.ts';
import { type Identity, type Known, newKubeconfig, renewKubeconfig } from './kubeconfig.ts';
import type { ManagedFile } from './managed-file.ts';

export type RenderHands = {
  /** The file as it is now; undefined when the node has none. */
  read(path: string): Promise<string | undefined>;
  /** Fills a text of the layout with this node's values. */
  fill(text: string): string;
  /** What a new kubeconfig calls the cluster. */
  clusterName: string;
  /** Recognizes copies of the certificate that a file holds now. */
  recognize(path: string): Promise<(pem: string) => boolean>;
};

/** Every file of a rotation with its new content, in the order in which they are written. */
export async function renderFiles(
  role: RoleLayout,
  material: Material,
  hands: RenderHands,
): Promise<ManagedFile[]> {
  const files: ManagedFile[] = [];
  for (const { ca, file } of role.authorities) files.push(managed(file, authority(material, ca)));
  for (const row of role.certificates) {
    const { certificate, key } = leaf(material, row.name);
    if (!row.files) continue;
    if (row.files.key.path === row.files.certificate.path)
      files.push(managed(row.files.key, `${certificate}${key}`));
    else files.push(managed(row.files.key, key), managed(row.files.certificate, certificate));
  }
  for (const row of role.kubeconfigs) {
    const content = await renderKubeconfig(row, role, material, hands);
    if (content !== undefined) files.push(managed(row.file, content));
  }
  return files;
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
  material: Material,
  hands: RenderHands,
): Promise<string | undefined> {
  const identity: Identity = { ca: authority(material, row.ca), ...leaf(material, row.certificate) };
  const certificate = role.certificates.find(({ name }) => name === row.certificate);
  const current = await hands.read(row.file.path);
  if (current === undefined) {
    if (!row.create) return undefined;
    const names = {
      cluster: hands.clusterName,
      user: hands.fill(row.user),
      server: hands.fill(row.server),
    };
    const files = row.byPath === true ? certificate?.files : undefined;
    return newKubeconfig(
      identity,
      names,
      files && { certificate: files.certificate.path, key: files.key.path },
    );
  }
  const ca = role.authorities.find((entry) => entry.ca === row.ca);
  if (!certificate || !ca) throw missing(row.certificate);
  const known: Known = {
    isOldLeaf: certificate.files ? await hands.recognize(certificate.files.certificate.path) : () => false,
    isOldCa: await hands.recognize(ca.file.path),
  };
  return renewKubeconfig(row.file.path, current, identity, known);
}

const managed = (row: FileRow, content: string): ManagedFile => ({ ...row, content });

const authority = (material: Material, ca: string): string => {
  const pem = [...material.authorities].find(([type]) => type === ca)?.[1];
  if (pem === undefined) throw missing(`${ca} CA`);
  return pem;
};

const leaf = (material: Material, name: string): { certificate: string; key: string } => {
  const pair = material.certificates.get(name);
  if (!pair) throw missing(name);
  return pair;
};

/** A layout that names what it does not define; the layouts' own test keeps this from happening. */
const missing = (name: string): AgentError => new AgentError('config', `the layout does not define ${name}`);
