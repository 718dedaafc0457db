import { allSettled } from '../../src/base/all-settled.ts';
import { codeOf, explain } from '../../src/base/errors.ts';
import { keysOf } from '../../src/certificates/template.ts';
import type { AddressName } from '../../src/metadata/address.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';

/** Parameters that Magnum leaves empty although the cloud knows them, requested as make-cert does. */
const ASKED: readonly (readonly [key: string, name: AddressName])[] = [
  ['KUBE_NODE_IP', 'local-ipv4'],
  ['KUBE_NODE_PUBLIC_IP', 'public-ipv4'],
  // heat-params of a Swarm cluster have no key for it.
  ['PUBLIC_IPV4', 'public-ipv4'],
];

/**
 * Returns the node with addresses of this server that its certificates need and heat-params leave empty. An unknown
 * address is reported and left out.
 *
 * @throws `aborted`
 */
export async function withAddresses(
  node: Node,
  { addressOf, progress, log }: Pick<Hands, 'addressOf' | 'progress' | 'log'>,
  abort: AbortSignal,
): Promise<Node> {
  const named = new Set(node.layout.certificates.flatMap(({ names }) => names.flatMap(keysOf)));
  const values = new Map(node.values);
  const missing = ASKED.filter(([key]) => named.has(key) && !values.get(key));
  // Ask concurrently: a service that does not answer costs its deadline only once.
  const answers = await allSettled(missing, async ([key, name]) => {
    try {
      return { key, address: await addressOf(name, abort), error: undefined };
    } catch (error) {
      if (codeOf(error) === 'aborted') throw error;
      return { key, address: undefined, error };
    }
  });
  for (const { key, address, error } of answers) {
    if (address !== undefined) values.set(key, address);
    if (error !== undefined) {
      const text = `heat-params has no ${key}, nor could the cloud be asked: the certificates are without it (${explain(error)})`;
      // Many nodes have no public address. Without KUBE_NODE_IP, clients cannot reach the node by its own address.
      if (key === 'KUBE_NODE_IP') progress({ event: 'notice', code: 'address-unknown', of: key, text });
      else log('address-unknown', { why: text });
    }
  }
  return { ...node, values, lacksAddresses: answers.some(({ error }) => error !== undefined) };
}
