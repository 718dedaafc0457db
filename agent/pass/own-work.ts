import { codeOf } from '../../src/base/errors.ts';
import { auditBegin } from '../audit.ts';
import { type Ended, outcomeOf } from '../execution/ended.ts';
import type { Hands } from '../hands.ts';
import { finish } from './finish.ts';

/**
 * Carries out the daemon's own work, and records its begin and its end. Work that throws has replaced no file.
 *
 * @throws `aborted`: the next start repeats or resumes the work
 */
export async function carryOutOwn(runId: string, hands: Hands, work: () => Promise<Ended>): Promise<Ended> {
  await auditBegin(runId, hands);
  const ended = await work().catch((error: unknown): Ended => {
    if (codeOf(error) === 'aborted') throw error;
    return { is: 'failed', error, node: 'as-before' };
  });
  await finish(runId, outcomeOf(ended), hands);
  return ended;
}
