import { createHash, createPublicKey } from 'node:crypto';
import * as v from 'valibot';
import { JsonText } from '../base/json.ts';
import type { AskApi } from './kubernetes-call.ts';

/**
 * The keys whose service-account tokens an API server accepts, as it publishes them for OpenID Connect (Kubernetes:
 * "Service account issuer discovery", since 1.20).
 */

const PATH = '/openid/v1/jwks';
const Keys = v.pipe(JsonText, v.object({ keys: v.array(v.object({ kid: v.string() })) }));

/**
 * Returns the ids of the keys; undefined if this server does not publish them.
 *
 * @throws the errors of the connection
 */
export async function acceptedTokenKeys(
  ask: AskApi,
  abort: AbortSignal,
): Promise<ReadonlySet<string> | undefined> {
  const what = "reading the API server's service-account keys";
  const { status, text } = await ask({ what, method: 'GET', path: PATH, abort });
  const parsed = status === 200 ? v.safeParse(Keys, text) : undefined;
  return parsed?.success === true ? new Set(parsed.output.keys.map(({ kid }) => kid)) : undefined;
}

/** Returns Kubernetes' id of a public key (PEM): the unpadded base64url of the SHA-256 of its DER. */
export const tokenKeyId = (publicKey: string): string =>
  createHash('sha256')
    .update(createPublicKey(publicKey).export({ type: 'spki', format: 'der' }))
    .digest('base64url');
