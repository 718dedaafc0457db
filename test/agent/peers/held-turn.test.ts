import { expect, test } from 'vitest';
import { readHeldTurn, whileRecorded } from '../../../agent/peers/held-turn.ts';
import { RUNTIME } from '../../../agent/paths.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { createHands } from '../../fakes/hands.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';

const RECORD = `${RUNTIME}/turn.json`;

test('records the start of a turn while it lasts, also if its work fails', async () => {
  const { hands, clock } = await createHands();
  const since = clock.now();
  const failed = whileRecorded(hands, async () => {
    expect(await readHeldTurn(hands.disk, since)).toBe(since);
    throw new AgentError('unit', 'a unit does not start');
  });
  expect(await agentErrorOf(failed)).toMatchObject({ code: 'unit' });
  expect(await readHeldTurn(hands.disk, since)).toBeUndefined();
});

test('ignores the record of a process that has ended before the lock was taken', async () => {
  const { hands, write, clock } = await createHands();
  const lockedAt = clock.now();
  await write(RECORD, JSON.stringify({ since: lockedAt - 1 }));
  expect(await readHeldTurn(hands.disk, lockedAt)).toBeUndefined();
  await write(RECORD, JSON.stringify({ since: lockedAt }));
  expect(await readHeldTurn(hands.disk, lockedAt)).toBe(lockedAt);
});

test('works without a record if /run cannot be written, and logs that', async () => {
  const { hands, write, log } = await createHands();
  await write(RUNTIME, 'a file in place of the directory');
  expect(await whileRecorded(hands, async () => await Promise.resolve('done'))).toBe('done');
  expect(logged(log, 'turn-unrecorded').length).toBeGreaterThan(0);
});
