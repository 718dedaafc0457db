import { expect, test } from 'vitest';
import { writeOrders, writeRotation } from '../../../agent/phases/record.ts';
import { seeRotation } from '../../../agent/upkeep/see-rotation.ts';
import { NEVER } from '../../src/support/clock.ts';
import { testHands } from '../support/hands.ts';
import { newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const [former, present] = [newGeneration(), newGeneration()];
const worker = nodeOf('worker', { KUBE_MASTER_IP: '10.0.0.5' });

test('sees a rotation between the CAs that the node trusts, and its latest end', async () => {
  const { hands, write, clock } = await testHands();
  await writeCertificates(worker, { write }, former, [former, present]);
  // The record of this rotation follows later; that of the last one is there.
  const last = {
    version: 1,
    peers: [],
    course: { cas: 'a', since: 1 },
    oldCa: { cas: 'a', endedAt: 2 },
  } as const;
  await writeRotation({ ...last, peers: [] }, hands);
  expect(await seeRotation(worker, hands, NEVER)).toEqual({ is: 'under-way', until: Infinity });

  const since = clock.now();
  await writeRotation({ version: 1, peers: [], course: { cas: 'b', since }, oldCa: { cas: 'b' } }, hands);
  expect(await seeRotation(worker, hands, NEVER)).toEqual({ is: 'under-way', until: since + DAY + HOUR });
  await writeOrders({ version: 1, heldUntil: since + 3 * DAY }, hands);
  expect(await seeRotation(worker, hands, NEVER)).toEqual({
    is: 'under-way',
    until: since + 3 * DAY + HOUR,
  });

  await writeCertificates(worker, { write }, present);
  expect(await seeRotation(worker, hands, NEVER)).toEqual({ is: 'ended', at: clock.now() });
  await writeRotation({ version: 1, peers: [], oldCa: { cas: 'b', endedAt: since + 5 } }, hands);
  expect(await seeRotation(worker, hands, NEVER)).toEqual({ is: 'ended', at: since + 5 });
});

test('sees no rotation on a node without one, and none that its node does not follow by itself', async () => {
  const { hands, write } = await testHands();
  await writeCertificates(worker, { write }, present);
  expect(await seeRotation(worker, hands, NEVER)).toEqual({ is: 'none' });
  await writeCertificates(worker, { write }, former, [former, present]);
  const config = { ...hands.config, rotation: { ...hands.config.rotation, phase: 'trust' as const } };
  expect(await seeRotation(worker, { ...hands, config }, NEVER)).toEqual({ is: 'none' });
});

test('does not stop at a damaged CA file, which a renewal replaces', async () => {
  const { hands, write } = await testHands();
  await writeCertificates(worker, { write }, present);
  for (const { file } of worker.layout.authorities)
    await write(file.path, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  expect(await seeRotation(worker, hands, NEVER)).toEqual({ is: 'none' });
});
