import { AgentError } from '../../src/base/errors.ts';
import { holderOf } from '../../src/base/lock.ts';
import { isGivenUp } from '../../src/deployment/ledger.ts';
import type { Hands } from '../hands.ts';
import type { HealthFacts } from '../inspection/health.ts';
import { takeInventory } from '../inspection/inventory.ts';
import { readNode } from '../node.ts';
import { readPassRecord } from '../status-file.ts';
import { type Context, lockPathOf } from './verb.ts';

/** What `agent status` and `agent status --check` judge this node by. */
export async function healthFactsOf(context: Context, hands: Hands): Promise<HealthFacts> {
  const { clock, ledger, generations, config } = hands;
  const record = await readPassRecord(hands);
  const unanswered = ledger.entries().filter((entry) => entry.state === 'finished' && !isGivenUp(entry));
  const since = unanswered.map(({ at }) => Date.parse(at['finished'] ?? '')).filter(Number.isFinite);
  const ends = await endsOf(hands);
  const holder = await holderOf(lockPathOf(context));
  // A damaged journal is rebuilt by the next pass.
  const journal = await generations.current().catch(() => undefined);
  return {
    now: clock.now(),
    daemonRuns: holder !== undefined && /^agent run\s/.test(holder.name),
    completeAt: record?.completeAt === undefined ? undefined : Date.parse(record.completeAt),
    intervalMs: config.poll.max_seconds * 1000,
    unacknowledgedSince: since.length === 0 ? undefined : Math.min(...since),
    firstEnd: ends.length === 0 ? undefined : Math.min(...ends),
    isStuck: journal?.state === 'stuck',
  };
}

/** Of the certificates of the layout; none on a node that is not set up yet. */
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
