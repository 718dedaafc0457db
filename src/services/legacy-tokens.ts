import type { Clock } from '../base/clock.ts';
import type { KubernetesTrust, LegacyToken, Pod, ServiceAccount } from './kubernetes-trust.ts';

/**
 * Legacy Secrets keep the token that a former key has signed. kube-apiserver accepts such a token only as long as it is
 * the one in its Secret, and the kubelet brings another into a running pod a minute or two later. So no token is taken
 * away while a key that is accepted verifies it: the service account gets another Secret, which new pods mount. A token
 * that no key verifies is of no use to anybody: it is cleared, and signed anew.
 */
export type TokenHands = {
  trust: KubernetesTrust;
  clock: Pick<Clock, 'now'>;
  signedBy(token: string): SignedBy;
  /** The master whose controller manager signs tokens, if that is another one: its key may be a former one. */
  otherSigner(abort: AbortSignal): Promise<string | undefined>;
};

/** Which key has signed a token: the one that signs now, another one that is accepted, or none of these. */
export type SignedBy = 'signer' | 'accepted' | 'none';

/** What is missing until new pods get tokens of the key that signs now; undefined: nothing. */
export type Missing = { code: 'waits' | 'elsewhere'; why: string } | undefined;

/** Looks once, and has the token controller sign what is missing. */
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

/** The service accounts of running pods whose next pods would mount a former token, too. */
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

/** The pods that mount a token which a former key has signed: they need that key. */
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

/** The first few by name, and how many there are. */
export function namesOf(all: readonly Named[]): string {
  const names = all.slice(0, MOST).map(nameOf);
  return all.length > MOST ? `${names.join(', ')} and ${all.length - MOST} more` : names.join(', ');
}
