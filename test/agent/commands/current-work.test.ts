import { expect, test } from 'vitest';
import { waitingOf, workInWords, workOf } from '../../../agent/commands/current-work.ts';
import type { CurrentWork } from '../../../agent/inspection/current-work.ts';

const SINCE = Date.UTC(2026, 0, 2);
const ISO = '2026-01-02T00:00:00.000Z';
const waiting = { what: 'sign', since: SINCE, until: SINCE + 1000, why: 'no answer' } as const;
const work = (over: Partial<CurrentWork> = {}): CurrentWork => ({
  holder: 'agent run',
  since: SINCE,
  deployments: [],
  runId: null,
  waiting: undefined,
  ...over,
});

test('shows times in ISO 8601, and null for a person who waits for nothing', () => {
  expect([workOf(undefined), waitingOf(undefined)]).toEqual([null, null]);
  const deployments = [{ id: 'a', since: SINCE }];
  expect(workOf(work({ deployments, waiting }))).toMatchObject({
    since: ISO,
    deployments: [{ id: 'a', since: ISO }],
    waiting: { since: ISO, until: '2026-01-02T00:00:01.000Z' },
  });
});

test('names every deployment, a run of its own, and what the work waits for', () => {
  const deployments = [{ id: 'a', since: SINCE }];
  expect(workInWords(work())).toEqual([`agent run is at work since ${ISO}`]);
  expect(workInWords(work({ deployments, runId: 'a' }))).toEqual([
    `agent run is at work: deployment a since ${ISO}`,
  ]);
  const [first, second] = workInWords(work({ deployments, runId: 'renewal', waiting }));
  expect(first).toContain(`deployment a since ${ISO}, the run of renewal`);
  expect(second).toContain('no answer');
});
