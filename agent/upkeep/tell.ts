import type { Difference } from '../inspection/differences.ts';
import type { Hands } from '../hands.ts';
import type { UpkeepRecord } from './record.ts';

const DAY_MS = 86_400_000;

/** Differences that are logged again every day, even if nothing has changed. */
const DAILY: ReadonlySet<string> = new Set<Difference['code']>(['authority-ends', 'authority-differs']);

const EVENTS = { critical: 'differs-critical', warning: 'differs', info: 'differs-slightly' } as const;

/**
 * Logs each new difference, the most urgent ones once a day, and those that have disappeared.
 *
 * @returns the record of this look
 */
export function tellDifferences(
  record: UpkeepRecord,
  differences: readonly Difference[],
  { clock, log }: Pick<Hands, 'clock' | 'log'>,
): UpkeepRecord {
  const now = clock.now();
  const known = new Map(record.differences.map((one) => [keyOf(one), one]));
  const told = differences.map((difference) => {
    const { code, of, at, text: what, severity } = difference;
    const before = known.get(keyOf(difference))?.toldAt;
    // A later time was written before the clock was set back.
    const isRecent = before !== undefined && before <= now && (!DAILY.has(code) || now - before < DAY_MS);
    if (!isRecent) log(EVENTS[severity], { difference: code, of, at, what });
    return { ...difference, toldAt: isRecent ? before : now };
  });
  const here = new Set(differences.map(keyOf));
  for (const [key, { code, of }] of known)
    if (!here.has(key)) log('difference-gone', { difference: code, of });
  return { ...record, lookedAt: now, differences: told };
}

const keyOf = ({ code, of }: { code: string; of: string }): string => `${code} ${of}`;
