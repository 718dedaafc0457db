import type { Clock } from '../base/clock.ts';
import { type Kubernetes, LEASE_SECONDS } from './kubernetes.ts';
import type { KubernetesTrust, LegacyToken, Pod } from './kubernetes-trust.ts';
import { STATE } from './workloads.ts';

/** Legacy Secrets keep the token that a former key has signed. They are cleared, and the token controller signs anew. */

export type TokenHands = {
  trust: KubernetesTrust;
  lease: Pick<Kubernetes, 'readLease' | 'writeLease'>;
  clock: Pick<Clock, 'now'>;
  /** Whether the key that signs now has signed a token. */
  isCurrent(token: string): boolean;
  /** This master. */
  holder: string;
};

/** What is missing until every legacy token is signed with the key that signs now; undefined: nothing. */
export type Missing = { code: 'waits' | 'held' | 'old-signer'; why: string } | undefined;

/** The controller has this long to sign a token before its answer counts. */
const SIGNING_MS = 60_000;

/**
 * Looks once, and clears what is to be signed anew. The first one alone: if the controller manager that leads still signs
 * with a former key, on a master that is a phase behind, the others are left for later.
 */
export async function renewTokens(hands: TokenHands, abort: AbortSignal): Promise<Missing> {
  const { trust, clock, isCurrent } = hands;
  const tokens = await trust.legacyTokens(abort);
  const stale = tokens.filter(({ token }) => token !== '' && !isCurrent(token));
  const cleared = tokens.filter(({ token, clearedAt }) => token === '' && clearedAt !== undefined);
  if (cleared.length > 0)
    return { code: 'waits', why: `the token controller has not signed ${namesOf(cleared)} yet` };
  const [first] = stale;
  if (!first) return undefined;
  const again = stale.find(({ clearedAt }) => (clearedAt ?? 0) > clock.now() - SIGNING_MS);
  if (again)
    return {
      code: 'old-signer',
      why: `the controller manager that leads signs with a former service-account key (${namesOf([again])}): its master is a phase behind`,
    };
  const isProven = tokens.some(({ token, clearedAt }) => clearedAt !== undefined && isCurrent(token));
  return await underLease(hands, abort, async () => {
    for (const token of isProven ? stale : [first]) await trust.clearToken(token, clock.now(), abort);
    return {
      code: 'waits',
      why: `${stale.length} legacy Secrets hold tokens of a former service-account key`,
    };
  });
}

/** Beside what workloads.ts writes into the same lease. */
const TOKENS = 'coe-agent/tokens';

/** One master at a time. */
async function underLease(
  { lease, clock, holder }: TokenHands,
  abort: AbortSignal,
  work: () => Promise<Missing>,
): Promise<Missing> {
  const before = await lease.readLease(abort);
  const isAtWork = before?.annotations[STATE] === 'rolling' || before?.annotations[TOKENS] !== undefined;
  if (before && isAtWork && before.holder !== holder && before.holder !== '' && before.until > clock.now())
    return { code: 'held', why: `${before.holder} holds the lease` };
  const { [TOKENS]: _, ...annotations } = before?.annotations ?? {};
  const until = clock.now() + LEASE_SECONDS * 1000;
  const mine = {
    version: before?.version,
    annotations: { ...annotations, [TOKENS]: 'renewing' },
    holder,
    until,
  };
  if (!(await lease.writeLease(mine, abort))) return { code: 'held', why: 'another master takes the lease' };
  try {
    return await work();
  } finally {
    // As it was: who has restarted the workloads, and for which CA.
    const now = await lease.readLease(abort);
    if (now?.holder === holder && now.annotations[TOKENS] !== undefined)
      await lease.writeLease(
        {
          version: now.version,
          annotations,
          holder: before?.annotations[TOKENS] === undefined ? (before?.holder ?? '') : '',
          until: before?.until ?? until,
        },
        abort,
      );
  }
}

/** A pod that started this soon after may still have been given the former token. */
const MARGIN_MS = 120_000;

/** The pods that may hold a token of a former key: they read it when they started. */
export function podsOnFormerTokens(
  tokens: readonly LegacyToken[],
  pods: readonly Pod[],
  isCurrent: (token: string) => boolean,
): Pod[] {
  const bySecret = new Map(tokens.map((one) => [`${one.namespace}/${one.name}`, one]));
  return pods.filter(({ namespace, startedAt, secrets }) =>
    secrets.some((name) => {
      const secret = bySecret.get(`${namespace}/${name}`);
      if (!secret || startedAt === undefined) return false;
      if (!isCurrent(secret.token)) return true;
      return secret.clearedAt !== undefined && startedAt < secret.clearedAt + MARGIN_MS;
    }),
  );
}

const MOST = 3;

/** The first few by name, and how many there are. */
export function namesOf(all: readonly { namespace: string; name: string }[]): string {
  const names = all.slice(0, MOST).map(({ namespace, name }) => `${namespace}/${name}`);
  return all.length > MOST ? `${names.join(', ')} and ${all.length - MOST} more` : names.join(', ');
}
