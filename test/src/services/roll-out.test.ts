import { expect, test } from 'vitest';
import type { Workload } from '../../../src/services/kubernetes.ts';
import { awaitRollOut, nameOfWorkload } from '../../../src/services/roll-out.ts';
import { NEVER, testClock } from '../support/clock.ts';
import { faultIn } from '../support/outcome-of.ts';

/** A Deployment with these pods of the newest kind, of one. */
const deployment = (available: number, over: Partial<Workload['spec']> = {}): Workload => ({
  kind: 'deployments',
  metadata: { namespace: 'kube-system', name: 'coredns', generation: 2 },
  spec: { replicas: 1, paused: false, template: {}, ...over },
  status: { observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: available },
});
const NAME = 'deployment kube-system/coredns';

/** Waits for workloads that are listed in turn; the last list stays. */
async function wait(lists: readonly Workload[][], abort = NEVER) {
  const clock = testClock();
  const notices: string[] = [];
  const left = [...lists];
  const late = await awaitRollOut(
    10_000,
    { clock, notice: (text) => notices.push(text) },
    abort,
    async () => {
      const list = (left.length > 1 ? left.shift() : left[0]) ?? [];
      return await Promise.resolve(list);
    },
  );
  return { late, notices, elapsed: clock.elapsed() };
}

test('names a workload by its kind, namespace and name', () => {
  expect(nameOfWorkload(deployment(1))).toBe(NAME);
});

test('returns at once if every pod is new and available', async () => {
  expect(await wait([[deployment(1)]])).toEqual({ late: [], notices: [], elapsed: 0 });
  expect(await wait([[]])).toEqual({ late: [], notices: [], elapsed: 0 });
});

test('looks again until the pods are available', async () => {
  const { late, elapsed } = await wait([[deployment(0)], [deployment(0)], [deployment(1)]]);
  expect(late).toEqual([]);
  expect(elapsed).toBeGreaterThan(0);
});

test('names a workload that is late, also to the person who waits', async () => {
  const { late, notices, elapsed } = await wait([[deployment(0)]]);
  expect(late).toMatchObject([{ code: 'late', of: NAME }]);
  expect(notices).toHaveLength(1);
  expect(elapsed).toBeGreaterThan(10_000);
});

test('does not wait for a workload that is paused', async () => {
  expect(await wait([[deployment(0, { paused: true })]])).toMatchObject({ late: [], elapsed: 0 });
});

test('stops with the program', async () => {
  expect(await faultIn(wait([[deployment(0)]], AbortSignal.abort()))).toMatchObject({ code: 'aborted' });
});
