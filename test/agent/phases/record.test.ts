import { expect, test } from 'vitest';
import {
  ORDERS,
  readOrders,
  readRotation,
  ROTATION,
  type RotationRecord,
  writeOrders,
  writeRotation,
} from '../../../agent/phases/record.ts';
import { STATE } from '../../../agent/paths.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

const RECORD: RotationRecord = {
  version: 1,
  course: { cas: 'a', since: 1 },
  oldCa: { cas: 'b', endedAt: 2 },
  peers: [{ name: 'w', isMaster: false, ports: [{ host: 'h', port: 10_250, path: '/', ca: 'kubernetes' }] }],
  waits: { why: 'peers', for: ['w'], at: 3 },
};

test('keeps the state of a rotation', async () => {
  const { disk } = await tempRoot();
  await disk.makeDirectory(STATE, { mode: 0o700 });
  await writeRotation(RECORD, { disk });
  expect(await readRotation({ disk })).toEqual(RECORD);
});

test('orders can be written before the daemon has ever run', async () => {
  const { disk } = await tempRoot();
  expect(await readOrders({ disk })).toEqual({ version: 1 });
  await writeOrders({ version: 1, finish: 'a', heldUntil: 7 }, { disk });
  expect(await readOrders({ disk })).toEqual({ version: 1, finish: 'a', heldUntil: 7 });
  expect(((await disk.info(STATE))?.mode ?? 0) & 0o777).toBe(0o700);
});

test('reads a record of an earlier version, which knew no peers', async () => {
  const { disk } = await tempRoot();
  await disk.makeDirectory(STATE, { mode: 0o700 });
  const { peers: _, ...earlier } = RECORD;
  await writeRotation({ ...earlier, peers: [] }, { disk });
  expect((await readRotation({ disk })).peers).toEqual([]);
});

test.each(['{', '{"version": 2}', ''])('a damaged record (%j) is an empty one', async (text) => {
  const { disk, write } = await tempRoot();
  await write(ROTATION, text);
  await write(ORDERS, text);
  expect(await readRotation({ disk })).toEqual({ version: 1, peers: [] });
  expect(await readOrders({ disk })).toEqual({ version: 1 });
});
