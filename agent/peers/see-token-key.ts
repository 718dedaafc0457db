import { acceptedTokenKeys, tokenKeyId } from '../../src/services/token-keys.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import type { KnownPeer } from '../phases/record.ts';
import { readKeys } from '../rotation/service-account.ts';
import type { Client } from './clients.ts';
import { withAnyApi } from './reach-api.ts';

/** Returns the id of the key that signs this master's tokens from `reissue` on; undefined if none is to come. */
export async function nextTokenKey({ layout }: Node, hands: Hands): Promise<string | undefined> {
  if (!layout.serviceAccount) return undefined;
  const { next } = await readKeys(layout, hands);
  return next && tokenKeyId(next.publicKey);
}

/**
 * Whether the API server of a peer says that it does not accept tokens of a key. A peer that took `trust` by itself has
 * no key of Heat's deployment.
 */
export async function refusesTokenKey(
  id: string,
  { ports }: KnownPeer,
  client: Client,
  hands: Hands,
  abort: AbortSignal,
): Promise<boolean> {
  const apis = ports.filter(({ path }) => path === '/api');
  const reached = await withAnyApi(
    apis,
    client,
    hands,
    abort,
    async (ask) => await acceptedTokenKeys(ask, abort),
  );
  return reached.api === 'answers' && reached.value?.has(id) === false;
}
