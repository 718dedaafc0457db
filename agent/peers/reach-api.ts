import { codeOf, isNotReady } from '../../src/base/errors.ts';
import { readText } from '../../src/base/disk.ts';
import { certificatesIn, signerOf } from '../../src/certificates/read.ts';
import { given } from '../../src/metadata/heat-params.ts';
import type { AskApi } from '../../src/services/kubernetes-call.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { type Client, readClient } from './clients.ts';

export type Address = { host: string; port: number };

/** Where this node's own API server listens, or whom its kubelet asks by Magnum's heat-params. */
export function firstApisOf({ layout, params }: Node, units: readonly UnitPlan[]): Address[] {
  const server = layout.units.find(({ isKubernetesApi }) => isKubernetesApi === true);
  const probe = units.find(({ name }) => name === server?.unit)?.probe;
  const host = given(params, 'KUBE_MASTER_IP');
  return [
    ...(probe ? [{ host: probe.host, port: probe.port }] : []),
    ...(host === undefined || probe ? [] : [{ host, port: Number(given(params, 'KUBE_API_PORT') ?? 6443) }]),
  ];
}

/** `refused`: an API server answers, and accepts this node as little as the node accepts it. */
export type Reached<T> = { api: 'answers'; value: T } | { api: 'refused' | 'silent' };

/**
 * Works with the first API server that answers and accepts this node: its own may be the one that restarts.
 *
 * @throws what `work` throws
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
  const trusted = certificatesIn(ca, client.ca);
  const who = { cert: identity.certificate, key: identity.key };
  let state: 'refused' | 'silent' = 'silent';
  for (const { host, port } of addresses) {
    const leaf = await orNothing(hands.presented(host, port, abort));
    if (!leaf) continue;
    state = 'refused';
    if (!signerOf(leaf, trusted)) continue;
    // A load balancer may lead to another server now.
    const api = hands.openKubernetes({ host, port, ca, client: who });
    try {
      const asked = {
        what: `asking the Kubernetes API at ${host}`,
        method: 'GET',
        path: '/api',
        abort,
      } as const;
      const answer = await orNothing(api.ask(asked));
      if (answer?.status === 200) return { api: 'answers', value: await work(api.ask) };
    } finally {
      api.close();
    }
  }
  return { api: state };
}

/** What does not answer, or breaks off, is asked no more. @throws `aborted` */
async function orNothing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (codeOf(error) === 'aborted' || !(isNotReady(error) || codeOf(error) === 'proof')) throw error;
    return undefined;
  }
}
