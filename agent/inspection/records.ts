import { join } from 'node:path';
import { explain } from '../../src/base/errors.ts';
import { readRecord } from '../../src/base/record.ts';
import { shellQuote } from '../../src/base/shell-quote.ts';
import type { Hands } from '../hands.ts';
import { LEDGER, STATE } from '../paths.ts';
import type { Finding } from './finding.ts';
import { findInterrupted } from './interrupted.ts';

/** The records of the agent that cannot be read: of deployments, and beside them. */
export async function lookAtRecords({ disk, ledger }: Pick<Hands, 'disk' | 'ledger'>): Promise<Finding[]> {
  const findings: Finding[] = [];
  const damaged = (of: string, what: string, next: string): void => {
    findings.push({ id: 'record', of, verdict: 'bad', reason: 'damaged', what, next });
  };
  for (const name of (await disk.list(LEDGER)).filter(isRecord)) {
    const path = join(LEDGER, name);
    const id = name.slice(0, -'.json'.length);
    if (ledger.damaged(id))
      damaged(
        path,
        `${path} is damaged: whether the deployment has run is not known; the next pass reports it as failed if Heat still lists it, else remove the file`,
        'agent run-once',
      );
  }
  for (const name of (await disk.list(STATE)).filter(isRecord)) {
    const path = join(STATE, name);
    try {
      await readRecord(disk, path);
    } catch (error) {
      damaged(path, explain(error), `mv ${shellQuote(path)} ${shellQuote(`${path}.damaged`)}`);
    }
  }
  return findings.length > 0
    ? findings
    : [{ id: 'record', verdict: 'good', what: 'every record of the agent can be read' }];
}

/** Unfinished ones begin with a dot. */
const isRecord = (name: string): boolean => name.endsWith('.json') && !name.startsWith('.');

/** Finds an interrupted or stuck rotation. */
export async function lookAtGeneration(
  hands: Pick<Hands, 'generations'>,
  isUnderWay: boolean,
): Promise<Finding[]> {
  const interrupted = await findInterrupted(hands);
  const about = { id: 'generation' } as const;
  if (!interrupted) return [{ ...about, verdict: 'good', what: 'no rotation is interrupted' }];
  const { recovery, text: what } = interrupted;
  if (recovery === 'wait-for-person')
    return [{ ...about, verdict: 'bad', reason: 'stuck', what, next: 'agent rollback' }];
  if (recovery === 'rebuild') return [{ ...about, verdict: 'bad', reason: 'damaged', what }];
  return [
    isUnderWay
      ? { ...about, verdict: 'warning', reason: 'under-way', what, next: 'agent status' }
      : { ...about, verdict: 'bad', reason: 'interrupted', what },
  ];
}
