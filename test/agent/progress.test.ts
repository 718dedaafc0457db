import { expect, test } from 'vitest';
import { passingOver, type Progress, timed } from '../../agent/progress.ts';
import { AgentError } from '../../src/base/errors.ts';
import { testClock } from '../src/support/clock.ts';

const STEP = { code: 'restart', of: 'etcd', text: 'restart etcd' } as const;

const watch = () => {
  const clock = testClock();
  const events: Progress[] = [];
  return { clock, events, progress: (event: Progress) => void events.push(event) };
};

test('reports the start of a step, and its duration', async () => {
  const watched = watch();
  const value = await timed(watched, STEP, async () => {
    watched.clock.advance(1500);
    return await Promise.resolve(7);
  });
  expect(value).toBe(7);
  expect(watched.events).toEqual([
    { event: 'step', step: STEP },
    { event: 'done', step: STEP, ms: 1500 },
  ]);
});

test('reports in one line why a step fails, and rethrows', async () => {
  const watched = watch();
  const error = new AgentError('unit', 'no', { excerpt: ['the last lines:', 'no such file'] });
  await expect(timed(watched, STEP, async () => await Promise.reject(error))).rejects.toBe(error);
  expect(watched.events.at(-1)).toEqual({ event: 'failed', step: STEP, why: 'no', isTold: true });
});

test('reports a skipped file by its path', () => {
  const watched = watch();
  passingOver(watched)('/etc/kubernetes/x.conf', new Error('input/output error'));
  expect(watched.events).toMatchObject([
    { event: 'notice', code: 'file-skipped', of: '/etc/kubernetes/x.conf' },
  ]);
});

const whyNothing = (units: readonly string[]): string | undefined =>
  units.length === 0 ? 'no unit' : undefined;

test('reports a step without work as skipped, with the reason', async () => {
  const watched = watch();
  await timed(watched, STEP, async () => await Promise.resolve<string[]>([]), whyNothing);
  await timed(watched, STEP, async () => await Promise.resolve(['etcd']), whyNothing);
  expect(watched.events).toMatchObject([
    { event: 'step' },
    { event: 'skipped', step: STEP, why: 'no unit' },
    { event: 'step' },
    { event: 'done' },
  ]);
});
