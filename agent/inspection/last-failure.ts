import type { Entry } from '../../src/deployment/ledger.ts';
import type { Finding } from './finding.ts';

export type Ended = Pick<Entry, 'id' | 'resource' | 'rotation' | 'at' | 'outcome'>;

/**
 * Reports the last failed deployment with its cause, which the node's present state may no longer show. A later success
 * of the same resource ends the report, but not one with earlier inputs: Heat rolls back to these after a failure.
 *
 * @param entries the records of deployments, oldest first
 */
export function lookAtLastFailure(entries: readonly Ended[]): Finding[] {
  const index = entries.findLastIndex(({ outcome }) => outcome?.is === 'failed');
  const failure = entries[index];
  if (!failure) return [];
  const { id, resource, at, outcome } = failure;
  const ofResource = (one: Ended): boolean => one.resource === resource;
  const earlier = new Set(
    entries
      .slice(0, index)
      .filter(ofResource)
      .map(({ rotation }) => rotation),
  );
  const isOver = entries
    .slice(index + 1)
    .some((one) => ofResource(one) && one.outcome?.is === 'succeeded' && !earlier.has(one.rotation));
  if (isOver) return [];
  const [why = ''] = (outcome?.stderr ?? '').split('\n');
  const what = `the last failed deployment is ${id} (${at['finished'] ?? ''}): ${why}`;
  return [{ id: 'deployment', of: id, verdict: 'warning', reason: 'failed', what }];
}
