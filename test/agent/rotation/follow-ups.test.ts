import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  FOLLOW_UPS,
  followUpsFile,
  followUpsText,
  isFollowUpDue,
  readFollowUps,
} from '../../../agent/rotation/follow-ups.ts';
import { testClock } from '../../src/support/clock.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

const task = fc.record(
  { due: fc.nat(), why: fc.string(), wroteAt: fc.nat() },
  { requiredKeys: ['due'], noNullPrototype: true },
);
const tasks = fc.record({ tokens: task, clientTrust: task }, { requiredKeys: [], noNullPrototype: true });

test('reads tasks as written', async () => {
  const { disk, write } = await tempRoot();
  await fc.assert(
    fc.asyncProperty(tasks, async (all) => {
      await write(FOLLOW_UPS, followUpsText(all));
      expect(await readFollowUps({ disk })).toEqual(all);
    }),
    { numRuns: 30 },
  );
  expect(followUpsFile({})).toMatchObject({ path: FOLLOW_UPS, mode: 0o600, directoryMode: 0o700 });
});

test('has no tasks if the record is missing or damaged', async () => {
  const { disk, write } = await tempRoot();
  expect(await readFollowUps({ disk })).toEqual({});
  await write(FOLLOW_UPS, followUpsText({ tokens: { due: 1 } }).replace('1', '2'));
  expect(await readFollowUps({ disk })).toEqual({});
});

test('starts a task at its time, unless files are being replaced', async () => {
  const { disk, write } = await tempRoot();
  const clock = testClock();
  const isDue = async (underWay = false): Promise<boolean> =>
    await isFollowUpDue({
      disk,
      clock,
      generations: { underWay: async () => await Promise.resolve(underWay) },
    });
  await write(FOLLOW_UPS, followUpsText({ clientTrust: { due: clock.now() + 1 } }));
  expect(await isDue()).toBe(false);
  clock.advance(1);
  expect(await isDue()).toBe(true);
  expect(await isDue(true)).toBe(false);
});
