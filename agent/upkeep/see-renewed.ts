import type { Outcome } from '../../src/deployment/deployment.ts';
import { errorIn } from '../../src/deployment/outcome.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import type { Decision } from './decide.ts';
import { type UpkeepRecord, writeUpkeep } from './record.ts';
import { withRefusal } from './try-login.ts';

const DAY_MS = 86_400_000;

/**
 * Renews the node's certificates. Records the attempt before its start and after its end, so that a program that is
 * killed each time does not ask Magnum forever. If Magnum has begun a rotation that this node follows by itself, the
 * attempt does not count: the renewal waits for that rotation.
 *
 * @returns the record with the outcome
 * @throws `aborted`
 */
export async function seeRenewed(
  node: Node,
  because: Extract<Decision, { is: 'renew' }>['because'],
  record: UpkeepRecord,
  hands: Hands,
  abort: AbortSignal,
): Promise<UpkeepRecord> {
  const { clock, log } = hands;
  const startedAt = clock.now();
  const earlier = record.renewal;
  const isToday = earlier !== undefined && Math.abs(startedAt - earlier.startedAt) < DAY_MS;
  const starts = isToday && earlier.endedAt === undefined ? earlier.starts + 1 : 1;
  const { awaitsRotation: _, ...rest } = record;
  const started = { ...rest, renewal: { startedAt, starts } };
  await writeUpkeep(hands, started);
  log('renewal-started', { because });
  const { renew } = await import('./renew.ts');
  const outcome = await renew(node, because !== 'drift', hands, abort);
  const how = outcomeOf(outcome);
  const why = (outcome.is === 'succeeded' ? outcome.stdout : outcome.stderr).trim();
  const error = errorIn(outcome);
  const { login: before = { since: startedAt, refusals: 0, roles: [] } } = record;
  const login = error
    ? withRefusal({ ...before, triedAt: clock.now() }, { code: error.code, message: why })
    : { ...before, triedAt: clock.now(), refusals: 0, why: undefined };
  if (error?.reason === 'rotation-missed' && (await followsRotations(node, hands, abort))) {
    log('renewal-waits', { because, why });
    return { ...rest, login, renewal: earlier, awaitsRotation: startedAt };
  }
  log(EVENTS[how], { because, why, code: error?.code, reason: error?.reason });
  return { ...started, login, renewal: { startedAt, starts: 0, endedAt: clock.now(), outcome: how, why } };
}

async function followsRotations(node: Node, hands: Hands, abort: AbortSignal): Promise<boolean> {
  const { goesByItself } = await import('../rotation/by-itself.ts');
  return await goesByItself(node, hands, abort);
}

const EVENTS = {
  renewed: 'renewal-succeeded',
  nothing: 'renewal-useless',
  failed: 'renewal-failed',
} as const;

/** Classifies the outcome. One that replaces certificates names them in its outputs. */
const outcomeOf = ({ is, outputs }: Outcome): keyof typeof EVENTS =>
  is === 'failed' ? 'failed' : Object.hasOwn(outputs, 'certificates') ? 'renewed' : 'nothing';
