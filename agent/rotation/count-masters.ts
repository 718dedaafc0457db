import { readText } from '../../src/base/disk.ts';
import { codeOf, explain } from '../../src/base/errors.ts';
import type { Patience } from '../../src/base/retry.ts';
import { certificatesIn, signerOf } from '../../src/certificates/read.ts';
import { given } from '../../src/metadata/heat-params.ts';
import { countMembers, ETCD_CONFIG, peerAddress } from '../../src/services/etcd-members.ts';
import { createKubernetesTrust } from '../../src/services/kubernetes-trust.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { listeningOfUnit } from '../plan/units.ts';
import { BRIEFLY, type OwnApi, withOwnApi } from './own-api.ts';

/** `none`: this node has no etcd with peers, according to its unit and Magnum's configuration. */
export type Members = number | 'none' | 'unknown';

/** Asks etcd for the number of its members. @throws an error when etcd does not answer */
export async function askEtcdMembers(node: Node, hands: Hands, abort: AbortSignal): Promise<Members> {
  const etcd = await ownEtcdOf(node, hands, abort);
  if (typeof etcd === 'string') return etcd;
  return await withOwnApi(etcd, hands, async (ask) => await countMembers(ask, abort));
}

/** Asks etcd for the number of its members; `unknown` if it does not answer. */
export async function etcdMembers(node: Node, hands: Hands, abort: AbortSignal): Promise<Members> {
  try {
    return await askEtcdMembers(node, hands, abort);
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    hands.log('etcd-members-unknown', { why: explain(error) });
    return 'unknown';
  }
}

/**
 * Returns a function that gives the number of etcd members to several callers. etcd is asked once, at the first call.
 */
export function countEtcdOnce(node: Node, hands: Hands, abort: AbortSignal): () => Promise<Members> {
  let asked: Promise<Members> | undefined;
  return async () => await (asked ??= etcdMembers(node, hands, abort));
}

/** Returns the peer address of this node's etcd, and the identity with which to connect to it. */
export async function ownEtcdOf(
  { layout }: Node,
  hands: Hands,
  abort: AbortSignal,
): Promise<Omit<OwnApi, 'holder'> | 'none' | 'unknown'> {
  const ca = layout.authorities.find((one) => one.ca === 'etcd')?.file.path;
  const named = (name: string | undefined) => layout.certificates.find((one) => one.name === name);
  const row = layout.units.find(({ probe }) => named(probe?.presents)?.ca === 'etcd');
  if (ca === undefined || !row) return 'none';
  const { peers } = await listeningOfUnit(row.unit, hands, abort);
  if (peers) {
    const { host, port, certificate, key } = peers;
    // A peer presents the same certificate as server and as client.
    return { host, port, ca, leaf: certificate, identity: { certificate, key } };
  }
  const config = await readText(hands.disk, ETCD_CONFIG);
  const leaf = named(row.probe?.presents)?.files?.certificate.path;
  const identity = named(row.health?.as)?.files;
  if (config === undefined || leaf === undefined || !identity) return 'none';
  const address = peerAddress(config);
  if (!address) return 'unknown';
  return {
    ...address,
    ca,
    leaf,
    identity: { certificate: identity.certificate.path, key: identity.key.path },
  };
}

/**
 * Lists the cluster's API servers with the certificate of a worker's kube-proxy; its kubelet may not list them. Returns
 * none if this node does not trust the API's certificate, or has no certificate of kube-proxy.
 *
 * @throws an error when the API does not answer
 */
export async function apiServersFor(
  { params, layout }: Node,
  { disk, retry, presented, openKubernetes, secrets }: Hands,
  patience: Patience,
  abort: AbortSignal,
): Promise<{ host: string; port: number }[]> {
  const host = given(params, 'KUBE_MASTER_IP');
  const proxy = layout.certificates.find(({ subject }) =>
    subject.some(([attribute, value]) => attribute === 'O' && value === 'system:node-proxier'),
  )?.files;
  const trusted = layout.authorities[0] && (await readText(disk, layout.authorities[0].file.path));
  const cert = proxy && (await readText(disk, proxy.certificate.path));
  const key = proxy && (await readText(disk, proxy.key.path));
  if (host === undefined || trusted === undefined || cert === undefined || key === undefined) return [];
  const port = Number(given(params, 'KUBE_API_PORT') ?? 6443);
  const leaf = await retry(
    { code: 'see-api-server', of: host, text: 'asking the API server for its certificate' },
    patience,
    abort,
    async () => await presented(host, port, abort),
  );
  if (!signerOf(leaf, certificatesIn(trusted, 'the CA'))) return [];
  secrets.addPassing(key);
  const api = openKubernetes({ host, port, ca: trusted, client: { cert, key } });
  try {
    return await createKubernetesTrust(api.ask, retry, BRIEFLY).apiServers(abort);
  } finally {
    api.close();
  }
}
