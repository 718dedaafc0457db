import { expect, test } from 'vitest';
import type { Progress } from '../../../agent/progress.ts';
import {
  hangingOf,
  KUBELET_RECORD,
  readKubeletRecord,
  watchKubelet,
  writeKubeletRecord,
} from '../../../agent/rotation/hanging-pods.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { createHands } from '../../fakes/hands.ts';
import { logged } from '../../scenarios/support/logged.ts';

const pod = (uid: string, graceMs = 30_000) => ({ uid, of: `shop/${uid}`, graceMs });

test('a pod hangs a minute after its grace period, counted from the first look', () => {
  const seen = new Map<string, number>();
  const at = (elapsed: number, ...pods: ReturnType<typeof pod>[]): string[] =>
    hangingOf(pods, seen, elapsed).map(({ uid }) => uid);
  expect(at(5000, pod('a'))).toEqual([]);
  expect(at(80_000, pod('a'), pod('b', 0))).toEqual([]);
  expect(at(95_000, pod('a'), pod('b', 0))).toEqual(['a']);
  expect(at(140_000, pod('a'), pod('b', 0))).toEqual(['a', 'b']);
  // A pod that was gone is counted anew.
  expect(at(150_000, pod('b', 0))).toEqual(['b']);
  expect(at(160_000, pod('a'), pod('b', 0))).toEqual(['b']);
});

const done = (
  code: 'restart' | 'restart-old' | 'restart-workloads' | 'change-objects',
  of?: string,
): Progress => ({
  event: 'done',
  step: { code, ...(of !== undefined && { of }), text: '' },
  ms: 1,
});

test.each([
  ['a restart of the kubelet', done('restart', 'kubelet'), true],
  ['a restart of the kubelet with the old files', done('restart-old', 'kubelet'), true],
  ['replaced pods', done('restart-workloads'), true],
  ['replaced readers of a login', done('change-objects'), true],
  ['a restart of another unit', done('restart', 'etcd'), false],
  ['the start of a step', { event: 'step', step: { code: 'restart', of: 'kubelet', text: '' } }, false],
] as const)('records %s', async (_, event, isRecorded) => {
  const { hands, clock } = await createHands();
  const passed: Progress[] = [];
  const watch = watchKubelet((one) => passed.push(one));
  await watch.save(hands);
  watch.progress(event);
  expect(passed).toEqual([event]);
  expect(await readKubeletRecord(hands)).toBeUndefined();
  await watch.save(hands);
  const record = isRecorded ? { restartedAt: clock.now(), tried: [], left: [] } : undefined;
  expect(await readKubeletRecord(hands)).toEqual(record);
});

test('keeps the pods that were tried, and records a restart once', async () => {
  const { hands, clock } = await createHands();
  const before = { restartedAt: 1, freedAt: 2, tried: ['a'], left: ['shop/a'] };
  await writeKubeletRecord(before, hands);
  const watch = watchKubelet(() => undefined);
  watch.progress(done('restart', 'kubelet'));
  await watch.save(hands);
  expect(await readKubeletRecord(hands)).toEqual({ ...before, restartedAt: clock.now() });
  await writeKubeletRecord(before, hands);
  await watch.save(hands);
  expect(await readKubeletRecord(hands)).toEqual(before);
});

const refuse = async (): Promise<never> => await Promise.reject(new AgentError('disk', 'full'));

test('logs a record that cannot be written, and reads a damaged one as none', async () => {
  const { hands, write, log } = await createHands();
  await write(KUBELET_RECORD, '{');
  expect(await readKubeletRecord(hands)).toBeUndefined();
  const watch = watchKubelet(() => undefined);
  watch.progress(done('restart', 'kubelet'));
  await watch.save({ ...hands, disk: { ...hands.disk, makeDirectory: refuse } });
  expect(logged(log, 'kubelet-unrecorded')).toHaveLength(1);
});
