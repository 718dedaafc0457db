/** The input of a health check. Times and durations are in milliseconds; undefined: none. */
export type HealthFacts = {
  now: number;
  daemonRuns: boolean;
  /** When all collectors last answered in one pass. */
  completeAt: number | undefined;
  /**
   * Whether a pass is working on a rotation, a script or a wait. Such a pass ends later, by the deadlines of that work.
   */
  isAtWork: boolean;
  /** The longest wait between two passes. */
  intervalMs: number;
  /** When the oldest result that Heat has not acknowledged was created. */
  unacknowledgedSince: number | undefined;
  /** When the first certificate of the layout expires. */
  firstEnd: number | undefined;
  isStuck: boolean;
  /** The critical differences from the desired state that the daemon found last. */
  critical: readonly string[];
};

export type Illness = {
  code:
    | 'daemon-down'
    | 'never-asked'
    | 'pass-overdue'
    | 'answer-unacknowledged'
    | 'certificate-ends'
    | 'generation-stuck'
    | 'node-differs';
  level: 'warning' | 'critical';
  text: string;
};

const DAY_MS = 86_400_000;

/** The limits of the alert rules in docs/prometheus. */
export const LIMITS = {
  intervals: 3,
  unacknowledgedMs: 15 * 60_000,
  endsMs: 30 * DAY_MS,
  endsSoonMs: 7 * DAY_MS,
} as const;

/** Lists the faults of this node, worst first. */
export function illnessesOf(facts: HealthFacts): Illness[] {
  const { now, completeAt, unacknowledgedSince, firstEnd } = facts;
  const found: Illness[] = [];
  const add = (code: Illness['code'], level: Illness['level'], text: string): void => {
    found.push({ code, level, text });
  };
  if (!facts.daemonRuns) add('daemon-down', 'critical', 'the daemon does not run');
  if (facts.isStuck) add('generation-stuck', 'critical', 'a rotation is stuck: agent rollback');
  const [first, ...others] = facts.critical;
  if (first !== undefined)
    add('node-differs', 'critical', others.length === 0 ? first : `${first}; ${others.length} more`);
  if (completeAt === undefined) add('never-asked', 'critical', 'no complete pass since the node was started');
  else if (!facts.isAtWork && now - completeAt > LIMITS.intervals * facts.intervalMs)
    add('pass-overdue', 'critical', `the last complete pass was ${seconds(now - completeAt)} s ago`);
  if (firstEnd !== undefined && firstEnd - now < LIMITS.endsMs) {
    const level = firstEnd - now < LIMITS.endsSoonMs ? 'critical' : 'warning';
    add('certificate-ends', level, `a certificate ends in ${days(firstEnd - now)} days`);
  }
  if (unacknowledgedSince !== undefined && now - unacknowledgedSince > LIMITS.unacknowledgedMs)
    add('answer-unacknowledged', 'warning', 'Heat has not acknowledged a result for 15 minutes');
  return found.toSorted((a, b) => Number(b.level === 'critical') - Number(a.level === 'critical'));
}

/**
 * Formats one line with performance data for Nagios, and the exit code of the plugin
 * (https://nagios-plugins.org/doc/guidelines.html).
 */
export function formatCheck(facts: HealthFacts): { line: string; code: 0 | 1 | 2 } {
  const illnesses = illnessesOf(facts);
  const [worst] = illnesses;
  const code = worst === undefined ? 0 : worst.level === 'warning' ? 1 : 2;
  const { now, completeAt, firstEnd, unacknowledgedSince, intervalMs } = facts;
  const overdue = seconds(LIMITS.intervals * intervalMs);
  const data = [
    ...(completeAt === undefined ? [] : [`last_pass=${seconds(now - completeAt)}s;;${overdue};0`]),
    `unacknowledged=${unacknowledgedSince === undefined ? 0 : seconds(now - unacknowledgedSince)}s;${seconds(LIMITS.unacknowledgedMs)};;0`,
    ...(firstEnd === undefined
      ? []
      : [`certificate_days=${days(firstEnd - now)};${days(LIMITS.endsMs)}:;${days(LIMITS.endsSoonMs)}:`]),
  ];
  const words = illnesses.map(({ text }) => text).join('; ') || 'the node is well';
  return {
    line: `COE-AGENT ${(['OK', 'WARNING', 'CRITICAL'] as const)[code]} - ${words} | ${data.join(' ')}`,
    code,
  };
}

const seconds = (ms: number): number => Math.round(ms / 1000);
const days = (ms: number): number => Math.floor(ms / DAY_MS);
