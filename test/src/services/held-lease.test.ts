import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { whileLeased } from '../../../src/services/held-lease.ts';
import type { Lease, LeaseCalls } from '../../../src/services/lease.ts';
import { fastClock } from '../../scenarios/support/clock.ts';
import { NEVER } from '../support/clock.ts';

/** A lease in memory, with optimistic concurrency. */
function leaseInMemory(held?: Partial<Lease>): LeaseCalls & { now: Lease | undefined; writes: number } {
  const lease = {
    now: held && { version: '1', annotations: {}, holder: '', until: 0, ...held },
    writes: 0,
    read: async () => await Promise.resolve(lease.now),
    write: async (next: Lease) => {
      if (next.version !== lease.now?.version) return await Promise.resolve(false);
      lease.writes += 1;
      lease.now = { ...next, version: String(lease.writes + 1) };
      return true;
    },
  };
  return lease;
}

const work = async (): Promise<string> => await Promise.resolve('done');
const failing = (code: 'unit' | 'aborted') => async (): Promise<never> =>
  await Promise.reject(new AgentError(code, 'it ends'));

const terms = { holder: 'm0', seconds: 60, deadlineMs: 10_000 };

test('holds the lease during the work, and gives it back', async () => {
  const lease = leaseInMemory();
  const clock = fastClock();
  const result = await whileLeased(lease, terms, clock, NEVER, async () => {
    expect(lease.now).toMatchObject({ holder: 'm0' });
    return await Promise.resolve('value');
  });
  expect(result).toEqual({ is: 'done', value: 'value' });
  expect(lease.now?.holder).toBe('');
});

test('takes an expired lease, and its own; leaves the work to another holder in the end', async () => {
  const clock = fastClock();
  const expired = leaseInMemory({ holder: 'm1', until: clock.now() - 1 });
  expect(await whileLeased(expired, terms, clock, NEVER, work)).toMatchObject({ is: 'done' });
  const own = leaseInMemory({ holder: 'm0', until: clock.now() + 60_000 });
  expect(await whileLeased(own, terms, clock, NEVER, work)).toMatchObject({ is: 'done' });
  const held = leaseInMemory({ holder: 'm1', until: clock.now() + 3_600_000 });
  expect(await whileLeased(held, terms, clock, NEVER, work)).toEqual({ is: 'elsewhere', holder: 'm1' });
  expect(held.writes).toBe(0);
});

test('gives the lease back after a failure, and keeps it if the program stops', async () => {
  const clock = fastClock();
  const failed = leaseInMemory();
  await expect(whileLeased(failed, terms, clock, NEVER, failing('unit'))).rejects.toMatchObject({
    code: 'unit',
  });
  expect(failed.now?.holder).toBe('');
  const stopped = leaseInMemory();
  await expect(whileLeased(stopped, terms, clock, NEVER, failing('aborted'))).rejects.toMatchObject({
    code: 'aborted',
  });
  expect(stopped.now?.holder).toBe('m0');
});
