import { expect, test } from 'vitest';
import { systemClock, within, withDeadline } from '../../../src/base/clock.ts';
import { NEVER } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

test('a wait ends at once, with aborted, when its abort fires before or during it', async () => {
  expect(await agentErrorOf(systemClock.sleep(60_000, AbortSignal.abort()))).toMatchObject({
    code: 'aborted',
  });
  const controller = new AbortController();
  const waiting = agentErrorOf(systemClock.sleep(60_000, controller.signal));
  controller.abort();
  expect(await waiting).toMatchObject({ code: 'aborted' });
});

test('the monotonic clock never goes back, and the wall clock says the time in milliseconds', async () => {
  const before = systemClock.elapsed();
  await systemClock.sleep(1, NEVER);
  expect(systemClock.elapsed()).toBeGreaterThan(before);
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000);
});

test('a deadline fires by itself, with its own reason, or with the abort that it was made of', async () => {
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

/** Work that goes on until it is told to stop. */
const untilToldToStop = async (limit: AbortSignal): Promise<never> =>
  await new Promise((_, reject) => {
    limit.addEventListener('abort', () => {
      reject(new Error('told', { cause: limit.reason }));
    });
  });

test('work within a deadline is told when it is over, and when the caller stops', async () => {
  await expect(within(1, NEVER, untilToldToStop)).rejects.toThrow('told');
  const controller = new AbortController();
  const stopped = within(60_000, controller.signal, untilToldToStop);
  controller.abort('by the caller');
  await expect(stopped).rejects.toMatchObject({ cause: 'by the caller' });
  expect(await within(60_000, NEVER, async () => await Promise.resolve('done'))).toBe('done');
});

test('a deadline leaves no timer behind', async () => {
  const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  await within(60_000, NEVER, async () => {
    await Promise.resolve();
  });
  expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout')).toHaveLength(before);
});
