import { withDeadline } from '../../src/base/clock.ts';
import { codeOf, isNotReady } from '../../src/base/errors.ts';
import { readText } from '../../src/base/disk.ts';
import { given } from '../../src/metadata/heat-params.ts';
import type { AskApi } from '../../src/services/kubernetes-call.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { type Client, readClient } from './clients.ts';

export type Address = { host: string; port: number };

/** Returns the address of this node's own API server, or the one in heat-params that its kubelet uses. */
export function firstApisOf({ layout, params }: Node, units: readonly UnitPlan[]): Address[] {
  const server = layout.units.find(({ isKubernetesApi }) => isKubernetesApi === true);
  const probe = units.find(({ name }) => name === server?.unit)?.probe;
  const host = given(params, 'KUBE_MASTER_IP');
  return [
    ...(probe ? [{ host: probe.host, port: probe.port }] : []),
    ...(host === undefined || probe ? [] : [{ host, port: Number(given(params, 'KUBE_API_PORT') ?? 6443) }]),
  ];
}

/** `refused`: an API server answers, but it and this node reject each other. */
export type Reached<T> = { api: 'answers'; value: T } | { api: 'refused' | 'silent' };

/**
 * Runs `work` with the first API server that answers and accepts this node: the node's own server may be restarting.
 *
 * @throws the errors of `work`
 */
export async function withAnyApi<T>(
  addresses: readonly Address[],
  client: Client,
  hands: Pick<Hands, 'disk' | 'secrets' | 'presented' | 'openKubernetes'>,
  abort: AbortSignal,
  work: (ask: AskApi) => Promise<T>,
): Promise<Reached<T>> {
  const identity = await readClient(client, hands);
  if (!identity) return { api: 'silent' };
  const ca = (await readText(hands.disk, client.ca)) ?? '';
  const who = { cert: identity.certificate, key: identity.key };
  let state: 'refused' | 'silent' = 'silent';
  for (const { host, port } of addresses) {
    const api = hands.openKubernetes({ host, port, ca, client: who });
    try {
      const answer = await askBriefly(api.ask, `asking the Kubernetes API at ${host}`, abort);
      if (answer === 'accepted') return { api: 'answers', value: await work(api.ask) };
      const isThere =
        answer === 'refused' || (answer === 'none' && (await isPresent(host, port, hands, abort)));
      if (isThere) state = 'refused';
    } finally {
      api.close();
    }
  }
  return { api: state };
}

/** Limit for one server: a machine that is off does not answer at all. */
const TRY_MS = 10_000;

/** Makes one request that every user may make. @throws `aborted` */
async function askBriefly(
  ask: AskApi,
  what: string,
  abort: AbortSignal,
): Promise<'accepted' | 'refused' | 'none' | 'late'> {
  try {
    const limit = withDeadline(abort, TRY_MS);
    const { status } = await ask({ what, method: 'GET', path: '/api', abort: limit });
    return status === 200 ? 'accepted' : 'refused';
  } catch (error) {
    if (codeOf(error) === 'aborted' && !abort.aborted) return 'late';
    if (!isNotReady(error)) throw error;
    // TLS verifies the server's certificate before any request (`serverFault`).
    return codeOf(error) === 'not-yet' ? 'refused' : 'none';
  }
}

/** Whether a server is listening that closes connections with this node's certificate. @throws `aborted` */
async function isPresent(
  host: string,
  port: number,
  { presented }: Pick<Hands, 'presented'>,
  abort: AbortSignal,
): Promise<boolean> {
  try {
    await presented(host, port, abort);
    return true;
  } catch (error) {
    if (!isNotReady(error) && codeOf(error) !== 'proof') throw error;
    return false;
  }
}
