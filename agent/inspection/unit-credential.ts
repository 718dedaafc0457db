import { hostOf } from '../../src/base/address.ts';
import { readText } from '../../src/base/disk.ts';
import { AgentError, isNotReady } from '../../src/base/errors.ts';
import { certificatesIn, signerOf } from '../../src/certificates/read.ts';
import { identityIn, readSource, serverIn } from '../../src/files/kubeconfig-contents.ts';
import type { KubernetesAddress } from '../../src/services/kubernetes.ts';
import { type Get, readRenewal } from '../../src/services/leadership.ts';
import type { Lease } from '../../src/services/components.ts';
import { REFUSED_ELSEWHERE } from '../../src/services/restart.ts';
import type { Hands } from '../hands.ts';

type CredentialHands = Pick<Hands, 'disk' | 'secrets' | 'presented' | 'openKubernetes'>;

/** Every authenticated client may request this path. */
const ANYBODY = '/api';

/**
 * Calls the Kubernetes API like a unit: with the present client certificate and CA of its kubeconfig.
 *
 * @returns why that proves nothing about the unit; undefined: the API accepts it
 * @throws `not-yet` when the API rejects it, or when this node's own API cannot be reached
 */
export async function seeAccepted(
  kubeconfig: string,
  hands: CredentialHands,
  abort: AbortSignal,
): Promise<string | undefined> {
  const asked = await asUnit(kubeconfig, hands, abort, async (get) => await get(ANYBODY));
  return typeof asked === 'string' ? asked : undefined;
}

/** Reads a lease with a unit's kubeconfig; undefined if that proves nothing. @throws `not-yet` */
export async function renewalFor(
  kubeconfig: string,
  lease: Lease,
  hands: CredentialHands,
  abort: AbortSignal,
): Promise<string | undefined> {
  const asked = await asUnit(kubeconfig, hands, abort, async (get) => ({
    renewal: await readRenewal(lease, get),
  }));
  return typeof asked === 'string' ? undefined : asked?.renewal;
}

/** @returns string: why the unit's kubeconfig proves nothing */
async function asUnit<T extends object | undefined>(
  kubeconfig: string,
  hands: CredentialHands,
  abort: AbortSignal,
  work: (get: Get) => Promise<T>,
): Promise<T | string> {
  const address = await addressIn(kubeconfig, hands, abort);
  if (typeof address === 'string') return address;
  const api = hands.openKubernetes(address);
  try {
    return await work(async (path) => {
      const what = `asking the Kubernetes API with ${kubeconfig}`;
      const { status, text } = await api.ask({ what, method: 'GET', path, abort });
      // kube-apiserver answers 401 to a bad client certificate, even if anonymous requests are allowed.
      if (status === 401 || status === 429 || status >= 500)
        throw new AgentError('not-yet', `${what}: it answers ${status}`, {
          ...(status === 401 && !address.isOwn && { reason: REFUSED_ELSEWHERE }),
        });
      return { status, text };
    });
  } catch (error) {
    // A load balancer may forward to another server than the one whose certificate was just checked.
    if (address.isOwn || !(error instanceof AgentError) || error.reason !== 'ca-unknown') throw error;
    return `${error.message}: that master may not have rotated yet`;
  } finally {
    api.close();
  }
}

/** @returns string: why no request can be made */
async function addressIn(
  path: string,
  { disk, secrets, presented }: CredentialHands,
  abort: AbortSignal,
): Promise<(KubernetesAddress & { isOwn: boolean }) | string> {
  const text = await readText(disk, path);
  if (text === undefined) return `${path} does not exist`;
  const { ca, certificate, key } = identityIn(path, text);
  const read = async (file: string): Promise<string | undefined> => await readText(disk, file);
  const client = {
    cert: await readSource(path, certificate, read),
    key: await readSource(path, key, read),
  };
  const trusted = await readSource(path, ca, read);
  const url = URL.parse(serverIn(path, text) ?? '');
  if (client.cert === undefined || client.key === undefined) return `${path} has no client certificate`;
  if (trusted === undefined || url?.protocol !== 'https:') return `${path} names no API server with its CA`;
  secrets.addPassing(client.key);
  const host = hostOf(url);
  const port = Number(url.port || '443');
  const isOwn = /^(?:127\.|::1$|localhost$)/.test(host);
  let leaf: Awaited<ReturnType<typeof presented>>;
  try {
    leaf = await presented(host, port, abort);
  } catch (error) {
    // Another node's API server may be down for other reasons.
    if (isOwn || !isNotReady(error)) throw error;
    return error instanceof AgentError ? error.message : `${url.host} does not answer`;
  }
  if (!signerOf(leaf, certificatesIn(trusted, path))) {
    const why = `${url.host} presents a certificate of a CA that ${path} does not trust`;
    if (isOwn) throw new AgentError('not-yet', why);
    return `${why}: that master may not have rotated yet`;
  }
  return { host, port, ca: trusted, client: { cert: client.cert, key: client.key }, isOwn };
}
