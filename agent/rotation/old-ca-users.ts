import type { X509Certificate } from 'node:crypto';
import { AgentError } from '../../src/base/errors.ts';
import { certificatesIn, signerOf } from '../../src/certificates/read.ts';
import { type Holder, seeHolders } from '../../src/services/certificate-holders.ts';
import type { AskApi } from '../../src/services/kubernetes-call.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { BRIEFLY } from './own-api.ts';

/** An object of the cluster that still needs the old CA. */
export type OldCaUser = {
  kind: string;
  /** Empty for a kind without namespaces. */
  namespace: string;
  name: string;
  /**
   * `trusts-old-ca`: it trusts only the old CA. `signed-by-old-ca`: it holds a certificate of the old CA.
   * `started-before`: a pod reads the node's files, and started before they contained the new CA.
   */
  reason: 'trusts-old-ca' | 'signed-by-old-ca' | 'started-before';
};

export type OldCaUsers = { users: OldCaUser[]; isAll: boolean };

/** The CAs of a cluster, of every kind: those to be retired, and those that Magnum serves. */
export type Generations = { former: readonly X509Certificate[]; served: readonly X509Certificate[] };

/**
 * Lists the objects of the cluster that still need the old CA.
 *
 * @param since when the nodes started to trust the new CA, in milliseconds since the epoch
 * @throws the API's error
 */
export async function findOldCaUsers(
  ask: AskApi,
  cas: Generations,
  since: number,
  { layout }: Pick<Node, 'layout'>,
  { retry }: Pick<Hands, 'retry'>,
  abort: AbortSignal,
): Promise<OldCaUsers> {
  const files = [
    ...layout.authorities.map(({ file }) => file.path),
    ...layout.certificates.flatMap(({ files: own }) => (own ? [own.certificate.path, own.key.path] : [])),
  ];
  const users: OldCaUser[] = [];
  const isAll = await seeHolders(ask, retry, BRIEFLY, abort, (holder) => {
    const reason = reasonOf(holder, cas) ?? (isOnFiles(holder, files, since) ? 'started-before' : undefined);
    const { kind, namespace, name } = holder;
    if (reason) users.push({ kind, namespace, name, reason });
  });
  return { users, isAll };
}

function reasonOf({ certificates }: Holder, cas: Generations): OldCaUser['reason'] | undefined {
  for (const text of certificates) {
    const all = readable(text);
    const has = (some: readonly X509Certificate[]): boolean =>
      all.some(({ fingerprint256 }) => some.some((one) => one.fingerprint256 === fingerprint256));
    if (all.some((one) => !isAmong(one, cas.former) && signerOf(one, cas.former))) return 'signed-by-old-ca';
    if (has(cas.former) && !has(cas.served)) return 'trusts-old-ca';
  }
  return undefined;
}

const isAmong = (one: X509Certificate, cas: readonly X509Certificate[]): boolean =>
  cas.some(({ fingerprint256 }) => fingerprint256 === one.fingerprint256);

/** Parses certificates. A Secret may contain any text, so errors give none. */
function readable(text: string): X509Certificate[] {
  try {
    return certificatesIn(text, 'a value');
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return [];
  }
}

/**
 * Whether a pod reads the node's certificate files and started too early. A pod that mounts `/` or `/etc` is a host
 * agent and does not count.
 */
const isOnFiles = ({ hostPaths, startedAt }: Holder, files: readonly string[], since: number): boolean =>
  startedAt !== undefined &&
  startedAt < since &&
  hostPaths.some((path) => {
    const folder = path.replace(/\/$/, '');
    return (
      folder.split('/').length > 2 && files.some((file) => file === path || file.startsWith(`${folder}/`))
    );
  });
