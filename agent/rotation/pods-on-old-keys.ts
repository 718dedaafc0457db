import { createKubernetesTrust } from '../../src/services/kubernetes-trust.ts';
import { namesOf, podsOnFormerTokens } from '../../src/services/legacy-tokens.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { unitsOf } from '../plan/units.ts';
import { ownApiOf, withOwnApi } from './own-api.ts';
import { signedBy, readKeys } from './service-account.ts';

const CALL = { baseMs: 500, capMs: 2000, forMs: 30_000 };

/**
 * Finds pods that use a token signed with a former key: they mount the legacy Secret that contains it.
 *
 * @returns their names; undefined: none, or a node without its own API server
 * @throws an error when they cannot be determined
 */
export async function podsOnOldKeys(
  node: Node,
  hands: Hands,
  abort: AbortSignal,
): Promise<string | undefined> {
  const api = ownApiOf(await unitsOf(node, hands, abort), node);
  if (!api) return undefined;
  const signer = signedBy(await readKeys(node.layout, hands));
  return await withOwnApi(api, hands, async (ask) => {
    const trust = createKubernetesTrust(ask, hands.retry, CALL);
    const tokens = await trust.legacyTokens(abort);
    // Most clusters have no legacy tokens since Kubernetes 1.24.
    if (tokens.length === 0) return undefined;
    const pods = podsOnFormerTokens(tokens, await trust.pods(abort), signer);
    return pods.length === 0 ? undefined : namesOf(pods);
  });
}
