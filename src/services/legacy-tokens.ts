import type { Clock } from '../base/clock.ts';
import type { KubernetesTrust, LegacyToken, Pod, ServiceAccount } from './kubernetes-trust.ts';

/**
 * Legacy Secrets keep tokens signed by a former key. kube-apiserver accepts such a token only while its Secret contains
 * it, and the kubelet updates a running pod's token only a minute or two later. So a token is not cleared while an
 * accepted key verifies it: the service account gets a new Secret, which new pods mount. A token that no key verifies
 * is useless, so it is cleared and signed again.
 */
export type TokenHands = {
  trust: KubernetesTrust;
  clock: Pick<Clock, 'now'>;
  signedBy(token: string): SignedBy;
  /**
   * The master whose controller manager signs tokens, if it is another node. That master may still use a former key.
   */
  otherSigner(abort: AbortSignal): Promise<string | undefined>;
};

/** Which key signed a token: the present signer, another accepted key, or neither. */
export type SignedBy = 'signer' | 'accepted' | 'none';

/** Why new pods do not get tokens of the present signing key yet; undefined if they do. */
export type Missing = { code: 'waits' | 'elsewhere'; why: string } | undefined;

/** Checks once, and lets the token controller sign missing tokens. */
export async function renewTokens(hands: TokenHands, abort: AbortSignal): Promise<Missing> {
  const { trust, clock, signedBy } = hands;
  const tokens = await trust.legacyTokens(abort);
  const unsigned = tokens.filter(({ token, clearedAt }) => token === '' && clearedAt !== undefined);
  if (unsigned.length > 0)
    return { code: 'waits', why: `the token controller has not signed ${namesOf(unsigned)} yet` };
  const useless = tokens.filter(({ token }) => token !== '' && signedBy(token) === 'none');
  const former = tokens.filter(({ token }) => signedBy(token) === 'accepted');
  const accounts = former.length === 0 ? [] : await accountsOf(former, trust, abort);
  if (useless.length + accounts.length === 0) return undefined;
  const other = await hands.otherSigner(abort);
  if (other !== undefined)
    return {
      code: 'elsewhere',
      why: `the controller manager of ${other} leads, so that master has legacy tokens signed`,
    };
  for (const one of useless) await trust.clearToken(one, clock.now(), abort);
  const names = new Set(former.map(nameOf));
  for (const one of accounts)
    await trust.setSecrets(
      one,
      one.secrets.filter((name) => !names.has(nameOf({ ...one, name }))),
      abort,
    );
  return {
    code: 'waits',
    why: `new tokens are signed for ${namesOf([...useless, ...accounts])}`,
  };
}

/** Finds the service accounts of running pods whose next pods would also mount a former token. */
async function accountsOf(
  former: readonly LegacyToken[],
  trust: KubernetesTrust,
  abort: AbortSignal,
): Promise<ServiceAccount[]> {
  const mounted = mountedIn(await trust.pods(abort));
  const used = new Set(
    former
      .filter((one) => mounted.has(nameOf(one)))
      .map(({ namespace, account: name }) => nameOf({ namespace, name })),
  );
  if (used.size === 0) return [];
  const names = new Set(former.map(nameOf));
  return (await trust.serviceAccounts(abort)).filter(
    (one) => used.has(nameOf(one)) && one.secrets.some((name) => names.has(nameOf({ ...one, name }))),
  );
}

/** Finds the pods that mount a token signed by a former key: that key is still needed. */
export const podsOnFormerTokens = (
  tokens: readonly LegacyToken[],
  pods: readonly Pod[],
  signedBy: TokenHands['signedBy'],
): Pod[] => {
  const former = new Set(tokens.filter(({ token }) => signedBy(token) === 'accepted').map(nameOf));
  return pods.filter((pod) => [...mountedIn([pod])].some((name) => former.has(name)));
};

const mountedIn = (pods: readonly Pod[]): Set<string> =>
  new Set(pods.flatMap(({ namespace, secrets }) => secrets.map((name) => nameOf({ namespace, name }))));

type Named = { namespace: string; name: string };
const nameOf = ({ namespace, name }: Named): string => `${namespace}/${name}`;

const MOST = 3;

/** Returns the first few names and the number of others. */
export function namesOf(all: readonly Named[]): string {
  const names = all.slice(0, MOST).map(nameOf);
  return all.length > MOST ? `${names.join(', ')} and ${all.length - MOST} more` : names.join(', ');
}
