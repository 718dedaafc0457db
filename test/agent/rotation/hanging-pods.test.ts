import { expect, test } from 'vitest';
import {
  hangingOf,
  KUBELET_RECORD,
  noteCause,
  readKubeletRecord,
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

test('records a cause, and keeps the pods that were tried', async () => {
  const { hands, clock } = await createHands();
  await noteCause(hands);
  expect(await readKubeletRecord(hands)).toEqual({ restartedAt: clock.now(), tried: [], left: [] });
  const before = { restartedAt: 1, freedAt: 2, tried: ['a'], left: ['shop/a'] };
  await writeKubeletRecord(before, hands);
  await noteCause(hands);
  expect(await readKubeletRecord(hands)).toEqual({ ...before, restartedAt: clock.now() });
});

const refuse = async (): Promise<never> => await Promise.reject(new AgentError('disk', 'full'));

test('logs a record that cannot be written, and reads a damaged one as none', async () => {
  const { hands, write, log } = await createHands();
  await write(KUBELET_RECORD, '{');
  expect(await readKubeletRecord(hands)).toBeUndefined();
  await noteCause({ ...hands, disk: { ...hands.disk, makeDirectory: refuse } });
  expect(logged(log, 'kubelet-unrecorded')).toHaveLength(1);
});
