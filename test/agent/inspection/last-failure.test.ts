import { expect, test } from 'vitest';
import { type Ended, lookAtLastFailure } from '../../../agent/inspection/last-failure.ts';

const WHY = 'the unit kubelet failed to start; the old certificates are restored and served';

function ended(id: string, rotation: string, is: 'succeeded' | 'failed', resource = 'rotation'): Ended {
  const said = { stdout: '', stderr: '', outputs: {} };
  const stderr = `${WHY}\nthe last lines of the journal of kubelet:\n`;
  const outcome =
    is === 'succeeded' ? { ...said, is, statusCode: 0 as const } : { ...said, is, statusCode: 1, stderr };
  return { id, rotation, resource, at: { finished: '2026-11-29T02:20:00Z' }, outcome };
}

const before = ended('before', 'first', 'succeeded');
const failed = ended('failed', 'second', 'failed');

test('names the last failed deployment, when it ended, and the first line of its cause', () => {
  const [finding, ...others] = lookAtLastFailure([before, failed]);
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ id: 'deployment', of: 'failed', verdict: 'warning', reason: 'failed' });
  expect(finding?.what).toContain(WHY);
  expect(finding?.what).toContain('2026-11-29T02:20:00Z');
  expect(finding?.what).not.toContain('journal');
});

test.each([
  ['a roll-back of Heat to the inputs before the failure', [ended('after', 'first', 'succeeded')], 1],
  ['a success of another resource', [ended('after', 'third', 'succeeded', 'script')], 1],
  ['a success with the same inputs', [ended('after', 'second', 'succeeded')], 0],
  ['a success with new inputs', [ended('after', 'third', 'succeeded')], 0],
  [
    'a roll-back, then a success',
    [ended('back', 'first', 'succeeded'), ended('after', 'third', 'succeeded')],
    0,
  ],
] as const)('counts the failures after %s', (_, after, count) => {
  expect(lookAtLastFailure([before, failed, ...after])).toHaveLength(count);
});

test('reports nothing without a failure', () => {
  expect(lookAtLastFailure([before])).toEqual([]);
});
