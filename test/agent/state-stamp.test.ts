import { expect, test } from 'vitest';
import { isSure, stampState } from '../../agent/state-stamp.ts';
import { stageFile } from '../fakes/generation.ts';
import { createHands } from '../fakes/hands.ts';

test('is the same object until a record changes', async () => {
  const test = await createHands();
  const { hands, write } = test;
  const first = await stampState(hands, undefined);
  expect(await stampState(hands, first)).toBe(first);

  await write('/var/lib/coe-agent/rotation.json', '{}');
  const second = await stampState(hands, first);
  expect(second).not.toBe(first);

  await stageFile(test);
  expect(await stampState(hands, second)).not.toBe(second);
});

test('is sure when it is older than a tick of the clock', async () => {
  const { hands, clock } = await createHands();
  const stamp = await stampState(hands, undefined);
  expect(isSure(stamp, hands)).toBe(false);
  clock.advance(1000);
  expect(isSure(stamp, hands)).toBe(true);
  expect(isSure({ ...stamp, names: undefined }, hands)).toBe(false);
});
