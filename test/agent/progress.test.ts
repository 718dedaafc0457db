import { expect, test } from 'vitest';
import { type Progress, timed } from '../../agent/progress.ts';
import { systemClock } from '../../src/base/clock.ts';

const why = (units: readonly string[]): string | undefined =>
  units.length === 0 ? 'this node has no such unit' : undefined;

test('a step that had nothing to do is skipped, not done', async () => {
  const seen: Progress[] = [];
  const watched = { clock: systemClock, progress: (event: Progress) => void seen.push(event) };
  const step = { code: 'restart', of: 'etcd', text: 'restart etcd' } as const;
  await timed(watched, step, async () => await Promise.resolve<string[]>([]), why);
  expect(seen).toEqual([
    { event: 'step', step },
    { event: 'skipped', step, why: 'this node has no such unit' },
  ]);
  seen.length = 0;
  await timed(watched, step, async () => await Promise.resolve(['etcd']), why);
  expect(seen.map(({ event }) => event)).toEqual(['step', 'done']);
});
