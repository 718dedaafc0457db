import { X509Certificate } from 'node:crypto';
import type { Node } from '../../../agent/node.ts';
import type { ServedCas } from '../../../agent/rotation/served-cas.ts';
import type { CaType, Role, RoleLayout } from '../../../src/certificates/layout.ts';
import { kubernetesCerts } from '../../../src/certificates/layouts/kubernetes-certs.ts';
import { factsOf } from '../../../src/certificates/template.ts';
import { canonicalCa } from '../../../src/certificates/trusted.ts';
import { type ClusterCa, createClusterCa } from '../../cluster/authority.ts';
import { PARAMS } from '../../src/support/requests.ts';
import type { TempRoot } from '../../src/support/temp-root.ts';

/** Makes a node with the files of make-cert.sh. */
export function nodeOf(
  role: Role,
  params: Readonly<Record<string, string>> = {},
  over: Partial<RoleLayout> = {},
): Node {
  const all = new Map(Object.entries({ ...PARAMS, NODEGROUP_ROLE: role, ...params }));
  return {
    params: all,
    role,
    chosen: { layout: kubernetesCerts, why: 'configured' },
    layout: { ...kubernetesCerts.roles[role], ...over },
    values: factsOf(all, 'host-0'),
  };
}

/** The CAs of one generation of a cluster, which share its name. */
export type Generation = ReadonlyMap<CaType, ClusterCa>;
/** @param now its clock: the newest of several generations is the one whose CAs begin last */
export const newGeneration = (now?: () => number): Generation =>
  new Map((['kubernetes', 'etcd', 'front-proxy'] as const).map((ca) => [ca, createClusterCa('k1', now)]));

export function caOf(generation: Generation, type: CaType): ClusterCa {
  const ca = generation.get(canonicalCa(type));
  if (!ca) throw new Error(`no CA ${type}`);
  return ca;
}

/** Writes the certificates of a node, and the CAs that it trusts. */
export async function writeCertificates(
  { layout }: Pick<Node, 'layout'>,
  { write }: Pick<TempRoot, 'write'>,
  signs: Generation,
  trusted: readonly Generation[] = [signs],
): Promise<void> {
  for (const { ca, file } of layout.authorities)
    await write(file.path, trusted.map((generation) => caOf(generation, ca).pem).join(''));
  for (const { ca, files, subject, names } of layout.certificates) {
    if (!files) continue;
    const filled = names.filter((name) => !name.includes('{'));
    const { cert, key } = caOf(signs, ca).issue(subject, filled);
    await write(files.certificate.path, cert);
    await write(files.key.path, key);
  }
}

/** Returns the CAs that Magnum serves to a node. */
export const servedOf = ({ layout }: Pick<Node, 'layout'>, generation: Generation): ServedCas =>
  new Map(layout.authorities.map(({ ca }) => [ca, new X509Certificate(caOf(generation, ca).pem)]));
