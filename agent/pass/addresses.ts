import { allSettled } from '../../src/base/all-settled.ts';
import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { addressesOf, canonicalName } from '../../src/certificates/read.ts';
import { keysOf } from '../../src/certificates/template.ts';
import type { AddressName } from '../../src/metadata/address.ts';
import type { Hands } from '../hands.ts';
import { readLeaves } from '../inspection/leaves.ts';
import type { Node } from '../node.ts';

/** Parameters that Magnum leaves empty although the cloud knows them, requested as make-cert does. */
const ASKED: readonly (readonly [key: string, name: AddressName])[] = [
  ['KUBE_NODE_IP', 'local-ipv4'],
  ['KUBE_NODE_PUBLIC_IP', 'public-ipv4'],
  // heat-params of a Swarm cluster have no key for it.
  ['PUBLIC_IPV4', 'public-ipv4'],
];

/**
 * Returns the node with addresses of this server that its certificates need and heat-params leave empty. If the cloud
 * does not tell one, the new certificates keep the addresses of those that they replace. Both are reported.
 *
 * @throws `aborted`
 */
export async function withAddresses(
  node: Node,
  { addressOf, disk, progress, log }: Pick<Hands, 'addressOf' | 'disk' | 'progress' | 'log'>,
  abort: AbortSignal,
): Promise<Node> {
  const named = new Set(node.layout.certificates.flatMap(({ names }) => names.flatMap(keysOf)));
  const values = new Map(node.values);
  const missing = ASKED.filter(([key]) => named.has(key) && !values.get(key));
  // Ask concurrently: a service that does not answer costs its deadline only once.
  const answers = await allSettled(missing, async ([key, name]) => {
    try {
      const address = await addressOf(name, abort);
      // A server need not have a public address, but it has a local one.
      if (address === undefined && name === 'local-ipv4')
        throw new AgentError('bad-answer', 'the cloud names no local address of this server');
      return { key, address, error: undefined };
    } catch (error) {
      if (codeOf(error) === 'aborted') throw error;
      return { key, address: undefined, error };
    }
  });
  for (const { key, address } of answers) if (address !== undefined) values.set(key, address);
  const unknown = answers.filter(({ error }) => error !== undefined);
  if (unknown.length === 0) return { ...node, values };
  const kept = await withKeptAddresses(
    { ...node, values },
    unknown.map(({ key }) => key),
    disk,
  );
  for (const { key, error } of unknown) {
    const addresses = kept.of.get(key) ?? [];
    const outcome =
      addresses.length > 0
        ? `the new certificates keep ${addresses.join(', ')} of the former ones`
        : 'the certificates lack this address';
    const text = `heat-params has no ${key}, and the cloud does not tell it: ${outcome} (${explain(error)})`;
    const code = addresses.length > 0 ? 'address-kept' : 'address-unknown';
    // Many nodes have no public address. Without KUBE_NODE_IP, clients cannot reach the node by its own address.
    if (key === 'KUBE_NODE_IP') progress({ event: 'notice', code, of: key, text });
    else log(code, { why: text });
  }
  return kept.node;
}

/**
 * Adds to each certificate that names an unknown address the other addresses of the certificate that it replaces.
 *
 * @returns the node, and the added addresses by key of heat-params
 */
async function withKeptAddresses(
  node: Node,
  unknown: readonly string[],
  disk: Hands['disk'],
): Promise<{ node: Node; of: Map<string, string[]> }> {
  const of = new Map<string, string[]>();
  const leaves = await readLeaves(node, { disk }).catch((error: unknown) => {
    // The preflight reports a file that cannot be read.
    if (codeOf(error) !== 'disk') throw error;
    return [];
  });
  const certificates = node.layout.certificates.map((row) => {
    const keys = unknown.filter((key) => row.names.flatMap(keysOf).includes(key));
    const leaf = keys.length > 0 && leaves.find(({ name }) => name === row.name);
    if (!leaf) return row;
    const known = new Set(leaf.request.names.map(canonicalName));
    const extra = addressesOf(leaf.certificate).filter((one) => !known.has(canonicalName(one)));
    for (const key of keys) of.set(key, [...new Set([...(of.get(key) ?? []), ...extra])]);
    return { ...row, names: [...row.names, ...extra] };
  });
  return { node: { ...node, layout: { ...node.layout, certificates } }, of };
}
