import { expect, test } from 'vitest';
import { systemClock, within, withDeadline } from '../../../src/base/clock.ts';
import { NEVER } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

test('rejects a wait at once with aborted if its abort fires before or during it', async () => {
  expect(await agentErrorOf(systemClock.sleep(60_000, AbortSignal.abort()))).toMatchObject({
    code: 'aborted',
  });
  const controller = new AbortController();
  const waiting = agentErrorOf(systemClock.sleep(60_000, controller.signal));
  controller.abort();
  expect(await waiting).toMatchObject({ code: 'aborted' });
});

test('returns monotonic time that never decreases, and wall time in milliseconds', async () => {
  const before = systemClock.elapsed();
  await systemClock.sleep(1, NEVER);
  expect(systemClock.elapsed()).toBeGreaterThan(before);
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000);
});

test('fires a deadline with its own reason, or when the given abort fires', async () => {
  const limit = withDeadline(NEVER, 1);
  await new Promise((resolve) => {
    limit.addEventListener('abort', resolve);
  });
  expect(limit.reason).toMatchObject({ name: 'TimeoutError' });
  const controller = new AbortController();
  const other = withDeadline(controller.signal, 60_000);
  expect(other.aborted).toBe(false);
  controller.abort();
  expect(other.aborted).toBe(true);
});

/** Runs until its limit aborts. */
const untilToldToStop = async (limit: AbortSignal): Promise<never> =>
  await new Promise((_, reject) => {
    limit.addEventListener('abort', () => {
      reject(new Error('told', { cause: limit.reason }));
    });
  });

test('aborts work when its deadline expires, and when the caller stops', async () => {
  await expect(within(1, NEVER, untilToldToStop)).rejects.toThrow('told');
  const controller = new AbortController();
  const stopped = within(60_000, controller.signal, untilToldToStop);
  controller.abort('by the caller');
  await expect(stopped).rejects.toMatchObject({ cause: 'by the caller' });
  expect(await within(60_000, NEVER, async () => await Promise.resolve('done'))).toBe('done');
});

test('leaves no timer behind after a deadline', async () => {
  const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  await within(60_000, NEVER, async () => {
    await Promise.resolve();
  });
  expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout')).toHaveLength(before);
});
