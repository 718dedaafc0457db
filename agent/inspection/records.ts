import { join } from 'node:path';
import { explain } from '../../src/base/errors.ts';
import { readRecord } from '../../src/base/record.ts';
import { shellQuote } from '../../src/base/shell-quote.ts';
import type { Hands } from '../hands.ts';
import { LEDGER, STATE } from '../paths.ts';
import type { Finding } from './finding.ts';
import { findInterrupted } from './interrupted.ts';
import { WITHOUT_TURN } from './rotation-notes.ts';
import { type Activity, isDaemon, isUnderWay } from './under-way.ts';
import { LONGEST_STEP_MS } from '../phases/decide.ts';
import type { RotationState } from './rotation-state.ts';

/** Finds the agent's own records that cannot be read. */
export async function lookAtRecords({ disk }: Pick<Hands, 'disk'>): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const name of (await disk.list(STATE)).filter(isRecord)) {
    const path = join(STATE, name);
    try {
      await readRecord(disk, path);
    } catch (error) {
      findings.push(damaged(path, explain(error), putAway(path)));
    }
  }
  return findings.length > 0
    ? findings
    : [{ id: 'record', verdict: 'good', what: "the agent's own records can be read" }];
}

type LedgerHands = Pick<Hands, 'disk' | 'ledger'>;

/** Finds records of deployments that cannot be read. */
export async function lookAtLedger(hands: LedgerHands): Promise<Finding[]> {
  const findings = (await damagedIn(hands)).map(({ path }) =>
    damaged(
      path,
      `${path} is damaged, so whether the deployment has run is unknown: the next pass reports it to Heat as failed`,
      'agent run-once',
    ),
  );
  return findings.length > 0
    ? findings
    : [{ id: 'record', of: LEDGER, verdict: 'good', what: 'every record of a deployment can be read' }];
}

/**
 * Finds the damaged records that no pass handles.
 *
 * @param listed the deployments that Heat lists; every collector has answered
 */
export const lookAtUnlisted = async (hands: LedgerHands, listed: ReadonlySet<string>): Promise<Finding[]> =>
  (await damagedIn(hands))
    .filter(({ id }) => !listed.has(id))
    .map(({ path }) => ({
      ...damaged(path, `Heat no longer lists the deployment of ${path}`, putAway(path)),
      reason: 'unlisted',
    }));

async function damagedIn({ disk, ledger }: LedgerHands): Promise<{ id: string; path: string }[]> {
  const records = (await disk.list(LEDGER)).filter(isRecord);
  return records
    .map((name) => ({ id: name.slice(0, -'.json'.length), path: join(LEDGER, name) }))
    .filter(({ id }) => ledger.damaged(id));
}

const damaged = (of: string, what: string, next: string): Finding => ({
  id: 'record',
  of,
  verdict: 'bad',
  reason: 'damaged',
  what,
  next,
});

const putAway = (path: string): string => `mv ${shellQuote(path)} ${shellQuote(`${path}.damaged`)}`;

/** Whether a file is a record. Names of unfinished ones start with a dot. */
const isRecord = (name: string): boolean => name.endsWith('.json') && !name.startsWith('.');

/** Finds an interrupted or stuck rotation, and one that has exceeded its deadline. */
export async function lookAtGeneration(
  hands: Pick<Hands, 'generations'>,
  activity: Activity,
): Promise<Finding[]> {
  const { holder, now, deadlineMs } = activity;
  const interrupted = await findInterrupted(hands, holder);
  const about = { id: 'generation' } as const;
  if (!interrupted) return [{ ...about, verdict: 'good', what: 'no rotation is interrupted' }];
  const { recovery, text: what } = interrupted;
  if (recovery === 'wait-for-person')
    return [{ ...about, verdict: 'bad', reason: 'stuck', what, next: 'agent rollback' }];
  if (recovery === 'rebuild') return [{ ...about, verdict: 'bad', reason: 'damaged', what }];
  // The daemon's own phases have no deployment: only the journal knows when one started.
  const inTime =
    isUnderWay(activity) ||
    (await findInterrupted(hands, holder && { since: Math.max(holder.since, now - deadlineMs) }))?.isUnderWay;
  if (interrupted.isUnderWay && !inTime && holder)
    return [
      {
        ...about,
        verdict: 'bad',
        reason: 'overdue',
        what: `${what}, for longer than its limit of ${Math.round(deadlineMs / 60_000)} min`,
        next: isDaemon(holder) ? 'systemctl restart coe-agent' : 'agent status',
      },
    ];
  return [
    inTime
      ? { ...about, verdict: 'warning', reason: 'under-way', what, next: 'agent status' }
      : { ...about, verdict: 'bad', reason: 'interrupted', what },
  ];
}

/**
 * Reports the node's position in a rotation of several phases. Each position is a lasting state and no fault, unless
 * the node goes through the phases by itself and the end is overdue.
 *
 * @param due when `retire` stops waiting for other nodes, in milliseconds since the epoch; undefined: it does not wait
 */
export function lookAtRotation(
  { phase, notes }: RotationState,
  due: number | undefined,
  now: number,
): Finding[] {
  const about = { id: 'rotation', ...(phase !== null && { of: phase }) } as const;
  if (phase !== null && due !== undefined && now > due + LONGEST_STEP_MS)
    return [
      {
        ...about,
        verdict: 'bad',
        reason: 'overdue',
        what: [
          `the old CA is still trusted; its trust was due to end by ${new Date(due).toISOString()}`,
          ...notes.map(({ message }) => message),
        ].join('; '),
        next: 'agent status',
      },
    ];
  if (notes.length === 0) return [{ ...about, verdict: 'good', what: 'no rotation is between two phases' }];
  return notes.map(({ code, message }) => ({
    ...about,
    verdict: 'warning',
    reason: code,
    what: message,
    ...(code === 'old-ca-in-use' && { next: 'agent status --json' }),
    ...(code === 'rotation-held' && { next: 'agent rotation continue' }),
    ...(code === 'turn-missed' && { next: WITHOUT_TURN }),
  }));
}
