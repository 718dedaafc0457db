import { expect, test } from 'vitest';
import { awaitSplay } from '../../agent/daemon.ts';
import { NEVER } from '../../src/base/clock.ts';
import { AgentError } from '../../src/base/errors.ts';

/** Records what a daemon with a splay of 30 s does before its first pass. */
async function start({ isInterrupted = false, random = 0.5, stopped = false }) {
  const waits: number[] = [];
  const told: object[] = [];
  const notify = { passed: (_: string, about: object) => void told.push(about) };
  const sleep = async (ms: number): Promise<void> => {
    waits.push(ms);
    await Promise.resolve();
    if (stopped) throw new AgentError('aborted', 'stopped');
  };
  const hands = {
    splayMs: 30_000,
    isInterrupted: async () => await Promise.resolve(isInterrupted),
    clock: { sleep },
  };
  await awaitSplay(hands, notify, NEVER, () => random);
  return { waits, told };
}

test('waits a random part of the splay, and requests that time from systemd', async () => {
  expect(await start({ random: 0.5 })).toEqual({
    waits: [15_000],
    told: [{ ready: false, nextMs: 15_000 }],
  });
});

test('ends the wait when the daemon stops', async () => {
  expect((await start({ stopped: true })).waits).toEqual([15_000]);
});

test('completes an interrupted run without a wait', async () => {
  expect((await start({ isInterrupted: true })).waits).toEqual([]);
});
