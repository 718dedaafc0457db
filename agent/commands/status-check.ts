import { AgentError, explain } from '../../src/base/errors.ts';
import { holderOf } from '../../src/base/lock.ts';
import { isGivenUp } from '../../src/deployment/ledger.ts';
import type { Hands } from '../hands.ts';
import { formatCheck, type HealthFacts } from '../inspection/health.ts';
import { takeInventory } from '../inspection/inventory.ts';
import { readNode } from '../node.ts';
import { readPassRecord } from '../status-file.ts';
import { lockPathOf, openHands, type Context } from './verb.ts';

/** The exit code of a Nagios plugin that could not check. */
const UNKNOWN = 3;

/** `agent status --check`: one line for a monitoring system. */
export async function checkStatus(context: Context): Promise<0 | 1 | 2 | 3> {
  const { world, secrets } = context;
  const say = (line: string): void => {
    world.stdout.write(`${secrets.redact(line)}\n`);
  };
  try {
    const hands = await openHands(context, () => undefined);
    try {
      const { line, code } = formatCheck(await factsOf(context, hands));
      say(line);
      return code;
    } finally {
      hands.close();
    }
  } catch (error) {
    say(`COE-AGENT UNKNOWN - ${explain(error).replaceAll(/[\n|]/g, ' ')}`);
    return UNKNOWN;
  }
}

async function factsOf(context: Context, hands: Hands): Promise<HealthFacts> {
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
