import { AgentError } from '../../src/base/errors.ts';
import { holderOf } from '../../src/base/lock.ts';
import { type Entry, isGivenUp } from '../../src/deployment/ledger.ts';
import type { Hands } from '../hands.ts';
import type { HealthFacts } from '../inspection/health.ts';
import { takeInventory } from '../inspection/inventory.ts';
import { isDaemon, STACK_MS } from '../inspection/under-way.ts';
import { readNode } from '../node.ts';
import { readPassRecord } from '../status-file.ts';
import { readUpkeep } from '../upkeep/record.ts';
import { type Context, lockPathOf } from './verb.ts';

/** Collects the facts by which `agent status` and `agent status --check` judge this node. */
export async function healthFactsOf(context: Pick<Context, 'root'>, hands: Hands): Promise<HealthFacts> {
  const { clock, ledger, generations, config } = hands;
  const holder = await holderOf(lockPathOf(context));
  // The next pass rebuilds a damaged journal.
  const journal = await generations.current().catch(() => undefined);
  const record = await readPassRecord(hands);
  const entries = ledger.entries();
  const unanswered = entries.filter((entry) => entry.state === 'finished' && !isGivenUp(entry));
  const since = unanswered.map(({ at }) => Date.parse(at['finished'] ?? '')).filter(Number.isFinite);
  const ends = await endsOf(hands);
  const { differences } = await readUpkeep(hands);
  return {
    now: clock.now(),
    daemonRuns: holder !== undefined && isDaemon(holder),
    completeAt: record?.completeAt === undefined ? undefined : Date.parse(record.completeAt),
    isAtWork: holder !== undefined && (journal !== undefined || entries.some(isBegun(clock.now()))),
    intervalMs: config.poll.max_seconds * 1000,
    unacknowledgedSince: since.length === 0 ? undefined : Math.min(...since),
    firstEnd: ends.length === 0 ? undefined : Math.min(...ends),
    isStuck: journal?.state === 'stuck',
    critical: differences.filter(({ severity }) => severity === 'critical').map(({ text }) => text),
  };
}

/**
 * Whether the daemon may be working on a deployment. After that time it hangs: the stack's time-out in Heat has passed.
 */
const isBegun =
  (now: number) =>
  ({ state, at }: Pick<Entry, 'state' | 'at'>): boolean =>
    state === 'started' && now - Date.parse(at['started'] ?? '') < STACK_MS;

/** Returns when the certificates of the layout end; empty on a node that is not set up yet. */
async function endsOf(hands: Hands): Promise<number[]> {
  try {
    const { layout } = await readNode(hands);
    const holdings = await takeInventory(hands.disk, layout, hands.clock.now());
    return holdings.flatMap(({ notAfter }) => (notAfter === undefined ? [] : [Date.parse(notAfter)]));
  } catch (error) {
    if (error instanceof AgentError) return [];
    throw error;
  }
}
