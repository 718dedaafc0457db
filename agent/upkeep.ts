import { AgentError, codeOf, explain } from '../src/base/errors.ts';
import { isTrue } from '../src/metadata/heat-params.ts';
import { mayGoByItself } from './config.ts';
import type { Hands } from './hands.ts';
import { type Node, readNode } from './node.ts';
import { pruneKept } from './pass/keep-generation.ts';
import { withAddresses } from './pass/addresses.ts';
import { isClockOff } from './rotation/renewal.ts';
import { decide } from './upkeep/decide.ts';
import { findDifferences } from './upkeep/find-differences.ts';
import { routineLoginAt } from './upkeep/login.ts';
import { readUpkeep, type UpkeepRecord, writeUpkeep } from './upkeep/record.ts';
import { seeRenewed } from './upkeep/see-renewed.ts';
import type { RotationSeen } from './upkeep/see-rotation.ts';
import { shareOfNode } from './upkeep/share.ts';
import { tellDifferences } from './upkeep/tell.ts';
import { tryLogin } from './upkeep/try-login.ts';

/** The result of a look at the node. */
export type Kept = {
  /** When to look again, in milliseconds since the epoch; undefined: the regular look is early enough. */
  at: number | undefined;
  /** Magnum has begun a rotation, which this node has yet to follow by itself. */
  missesRotation: boolean;
};

/**
 * Compares the node with its desired state, logs differences, and renews its certificates when they are due.
 *
 * @throws `aborted` when the program must stop; other errors are logged, and the next look retries
 */
export async function keepUp(hands: Hands, abort: AbortSignal): Promise<Kept> {
  try {
    return await look(hands, abort);
  } catch (error) {
    if (!(error instanceof AgentError) || codeOf(error) === 'aborted') throw error;
    // The node is not set up yet.
    const isBare = codeOf(error) === 'bad-heat-params';
    hands.log(isBare ? 'upkeep-skipped' : 'upkeep-failed', { why: explain(error) });
    return REGULAR;
  }
}

const REGULAR: Kept = { at: undefined, missesRotation: false };

async function look(hands: Hands, abort: AbortSignal): Promise<Kept> {
  // A pass must complete the journal first, or it waits for a person.
  if (await hands.generations.underWay()) return REGULAR;
  await pruneKept(hands);
  const node = await withAddresses(await readNode(hands), hands, abort);
  if (isTrue(node.params.get('TLS_DISABLED'))) return REGULAR;
  const share = shareOfNode(node, hands);
  const before = await readUpkeep(hands);
  let record = before;
  const now = hands.clock.now();
  // With a wrong clock, the time of this attempt, and so of the next one, would be wrong.
  if (!isClockOff(hands.skewMs()) && routineLoginAt(record.login, now, share) <= now)
    record = await tryLogin(node, record, hands, abort);
  else record = { ...record, login: record.login ?? { since: now, refusals: 0, roles: [] } };

  const how = { share, ports: hands.config.reconcile === 'all' };
  const found = await findDifferences(node, record, how, hands, abort);
  const decision = decide({
    mode: hands.config.reconcile,
    leaves: found.leaves,
    differences: found.differences,
    now,
    skewMs: hands.skewMs(),
    share,
    rotation: await rotationHere(node, hands, abort),
    record,
  });
  if (decision.is !== 'renew') {
    record = tellDifferences(
      noteWait(record, decision.is === 'await-rotation', hands),
      found.differences,
      hands,
    );
    await writeUpkeep(hands, record);
    return { ...REGULAR, at: earliest(decision.until, routineLoginAt(record.login, now, share)) };
  }
  record = await seeRenewed(
    node,
    decision.because,
    tellDifferences(record, found.differences, hands),
    hands,
    abort,
  );
  const left = await findDifferences(node, record, how, hands, abort);
  await writeUpkeep(hands, tellDifferences(record, left.differences, hands));
  return { at: undefined, missesRotation: record.awaitsRotation !== undefined };
}

/** Sees the rotation of this node. Loaded only where there may be one, which keeps an idle daemon small. */
async function rotationHere(node: Node, hands: Hands, abort: AbortSignal): Promise<RotationSeen> {
  if (!mayGoByItself(hands.config)) return { is: 'none' };
  const { seeRotation } = await import('./upkeep/see-rotation.ts');
  return await seeRotation(node, hands, abort);
}

/** Records, and logs once, that a renewal waits for a rotation. */
function noteWait(
  { awaitsRotation, ...rest }: UpkeepRecord,
  isAwaited: boolean,
  { clock, log }: Pick<Hands, 'clock' | 'log'>,
): UpkeepRecord {
  if (!isAwaited) return rest;
  if (awaitsRotation === undefined) log('renewal-waits', {});
  return { ...rest, awaitsRotation: awaitsRotation ?? clock.now() };
}

const earliest = (a: number | undefined, b: number): number => (a === undefined ? b : Math.min(a, b));
