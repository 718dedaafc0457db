import { type Dates, isLonger, renewalMoment, usableUntil } from '../../src/certificates/renewal-window.ts';
import type { Difference, DifferenceCode } from '../inspection/differences.ts';
import { isClockOff } from '../rotation/renewal.ts';
import type { Config } from '../config.ts';
import { loginAllowedAt } from './login.ts';
import type { UpkeepRecord } from './record.ts';
import type { RotationSeen } from './see-rotation.ts';

/** What the agent renews by itself: only expired certificates, also those that expire soon, or every difference. */
export type Reconcile = Config['reconcile'];

export type Decision =
  | { is: 'renew'; because: 'expired' | 'ends' | 'drift' }
  /** `until`: when to look again, in milliseconds since the epoch; undefined: at the next regular look. */
  | { is: 'wait'; until: number | undefined }
  /** A renewal is due, but an automatic rotation comes first: it replaces the certificates too. */
  | { is: 'await-rotation'; until: number | undefined };

export type Situation = {
  mode: Reconcile;
  leaves: readonly { certificate: Dates; authority: Dates | undefined }[];
  differences: readonly Pick<Difference, 'code'>[];
  now: number;
  skewMs: number | undefined;
  share: number;
  rotation: RotationSeen;
  record: Pick<UpkeepRecord, 'login' | 'renewal' | 'awaitsRotation'>;
};

const DAY_MS = 86_400_000;

/** Limit of starts. A killed start is repeated at once; beyond the limit, it waits like a failed renewal. */
const MOST_STARTS = 5;

/** Differences that new certificates repair. */
const MENDED: ReadonlySet<string> = new Set<DifferenceCode>([
  'subject-differs',
  'names-differ',
  'presents-another',
  'missing',
  'unreadable',
  'wrong-issuer',
  'key-missing',
  'key-mismatch',
  'key-unreadable',
  'own-key-mismatch',
  'own-key-unreadable',
  'no-pair',
  'differs',
  'service-account-missing',
]);

/** Whether new certificates of the same CA repair a difference. */
export const isMended = ({ code }: { code: string }): boolean => MENDED.has(code);

/** Decides whether to renew the node's certificates now. */
export function decide(situation: Situation): Decision {
  const { mode, leaves, differences, now, skewMs, share, record, rotation } = situation;
  const has = (code: DifferenceCode): boolean => differences.some((one) => one.code === code);
  // Magnum signs with another CA, which the peers may not trust. That needs a rotation, not a renewal.
  if (isClockOff(skewMs) || has('authority-differs')) return { is: 'wait', until: undefined };
  const renewable = leaves.flatMap(({ certificate, authority }) => {
    if (!authority || authority.validToDate.getTime() <= now) return [];
    const end = certificate.validToDate.getTime();
    if (end < now) return [{ at: end, isExpired: true }];
    if (mode === 'report') return [{ at: end + 1, isExpired: false }];
    const isWorthIt = isLonger(authority.validToDate.getTime(), usableUntil(certificate, authority));
    return isWorthIt ? [{ at: renewalMoment(certificate, share), isExpired: false }] : [];
  });
  const due = renewable.filter(({ at }) => at <= now);
  const because = due.some(({ isExpired }) => isExpired)
    ? 'expired'
    : due.length > 0
      ? 'ends'
      : mode === 'all' && differences.some(isMended)
        ? 'drift'
        : undefined;
  if (because === undefined) return { is: 'wait', until: earliest(renewable.map(({ at }) => at)) };
  const rotated = rotationAwaitedUntil(rotation, record.awaitsRotation, now);
  if (rotated > now) return { is: 'await-rotation', until: Number.isFinite(rotated) ? rotated : undefined };
  const from = Math.max(loginAllowedAt(record.login, now), renewalAllowedAt(record.renewal, now));
  return from <= now ? { is: 'renew', because } : { is: 'wait', until: from };
}

/**
 * Returns until when a renewal waits for a rotation; `now`: it does not wait. A rotation that Magnum has begun, and this
 * node has not, is awaited for a day.
 *
 * @param since when a renewal first found that a rotation comes first
 */
function rotationAwaitedUntil(rotation: RotationSeen, since: number | undefined, now: number): number {
  if (rotation.is === 'under-way') return rotation.until;
  const isOver = since === undefined || since > now || (rotation.is === 'ended' && rotation.at >= since);
  return isOver ? now : since + DAY_MS;
}

/**
 * Returns when a renewal is allowed: once a day, whatever its outcome. A time in the future was written with a wrong
 * clock.
 */
function renewalAllowedAt(renewal: UpkeepRecord['renewal'], now: number): number {
  if (!renewal) return now;
  const { startedAt, starts, endedAt } = renewal;
  const last = starts >= MOST_STARTS ? startedAt : endedAt;
  return last === undefined || last > now ? now : last + DAY_MS;
}

const earliest = (moments: readonly number[]): number | undefined =>
  moments.length === 0 ? undefined : Math.min(...moments);
