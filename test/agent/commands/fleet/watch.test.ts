import { expect, test } from 'vitest';
import { watch } from '../../../../agent/commands/fleet/watch.ts';
import type { ExitCode } from '../../../../agent/commands/exit-code.ts';
import { AgentError } from '../../../../src/base/errors.ts';
import { testClock } from '../../../src/support/clock.ts';
import { agentErrorOf } from '../../../src/support/outcome-of.ts';

test('looks again until it is stopped, and exits with the code of the last look', async () => {
  const stop = new AbortController();
  const clock = testClock();
  const failures: unknown[] = [];
  const away = new AgentError('cloud-unreachable', 'away');
  let looks = 0;
  const look = async (): Promise<ExitCode> => {
    looks += 1;
    if (looks === 2) throw away;
    if (looks === 3) stop.abort();
    return await Promise.resolve(looks === 3 ? 1 : 0);
  };
  expect(await watch(look, (error) => failures.push(error), clock, stop.signal)).toBe(1);
  expect(failures).toEqual([away]);
  expect(clock.sleeps).toEqual([5000, 5000]);
});

test('ends on an error', async () => {
  const refused = new AgentError('cloud-refused', 'may not list Nodes');
  const watching = watch(
    async () => await Promise.reject(refused),
    () => undefined,
    testClock(),
    new AbortController().signal,
  );
  expect(await agentErrorOf(watching)).toBe(refused);
});
