import { type KeyObject, sign } from 'node:crypto';
import * as v from 'valibot';
import type { CoreObjects } from './kubernetes-core.ts';

/** The token controller of kube-controller-manager, up to Kubernetes 1.23. */

const LEGACY = 'kubernetes.io/service-account-token';
const ACCOUNT = 'kubernetes.io/service-account.name';

/** A legacy Secret of a service account, without its token. */
export const legacySecret = (account: string): Record<string, unknown> => ({
  type: LEGACY,
  metadata: { annotations: { [ACCOUNT]: account } },
  data: {},
});

/** Makes a Secret for each service account that lists none, and signs each missing token. */
export function signTokens(core: CoreObjects, signer: KeyObject): void {
  for (const { namespace, name, object } of core.all('serviceaccounts')) {
    const secrets = v.parse(v.optional(v.array(v.object({ name: v.string() })), []), object['secrets']);
    const isToken = (secret: string): boolean => core.find('secrets', namespace, secret)?.['type'] === LEGACY;
    if (secrets.some((secret) => isToken(secret.name))) continue;
    const secret = `${name}-token-${core.all('secrets').length}`;
    core.put('secrets', namespace, secret, legacySecret(name));
    core.put('serviceaccounts', namespace, name, { ...object, secrets: [...secrets, { name: secret }] });
  }
  for (const { namespace, name, object } of core.all('secrets')) {
    const data = v.parse(v.looseObject({ token: v.optional(v.string()) }), object['data']);
    if (object['type'] !== LEGACY || data.token !== undefined) continue;
    const token = Buffer.from(signedToken(signer, `${namespace}:${name}`)).toString('base64');
    core.put('secrets', namespace, name, { ...object, data: { ...data, token } });
  }
}

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** RS256, as kube-controller-manager signs with an RSA key. */
export function signedToken(signer: KeyObject, sub: string): string {
  const text = `${base64url({ alg: 'RS256' })}.${base64url({ iss: 'kubernetes/serviceaccount', sub })}`;
  return `${text}.${sign('sha256', Buffer.from(text), signer).toString('base64url')}`;
}
