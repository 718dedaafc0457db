import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { putAnswer } from '../../../src/signal/put-answer.ts';
import { NEVER, testClock } from '../support/clock.ts';

const CREATED = Date.parse('2026-11-21T15:21:34Z');

/**
 * Makes a Swift whose clock is `after` seconds past the deployment's creation; it rounds its dates up to whole seconds.
 */
function store(after: number, options: { former?: number; silent?: boolean } = {}) {
  const clock = testClock(CREATED + after * 1000);
  let changed = options.former;
  const puts: number[] = [];
  return {
    clock,
    puts,
    object: {
      changedAt: async () => await Promise.resolve(options.silent === true ? undefined : changed),
      put: async () => {
        puts.push((clock.now() - CREATED) / 1000);
        changed = Math.ceil(clock.now() / 1000) * 1000;
        await Promise.resolve();
      },
    },
  };
}

const put = async ({ object, clock }: ReturnType<typeof store>): Promise<void> => {
  await putAnswer({ handedOutAt: CREATED }, '{}', object, clock.sleep, NEVER);
};

test.each([
  // Heat compares with the time when it handed the deployment out: at most two seconds later, in whole seconds.
  [0.2, [0.2, 2.2]],
  [1.9, [1.9, 3.9]],
  [2.1, [2.1]],
  [60, [60]],
])('%f s after the creation of the deployment puts at %j s', async (after, puts) => {
  const swift = store(after);
  await put(swift);
  expect(swift.puts).toEqual(puts);
});

test('puts an object again that is not newer than the former one', async () => {
  const former = CREATED + 61_000;
  const swift = store(60.5, { former });
  await put(swift);
  expect(swift.puts).toEqual([60.5, 62.5]);
  const later = store(61.5, { former });
  await put(later);
  expect(later.puts).toEqual([61.5]);
});

test('puts an object again if its date is unknown', async () => {
  const swift = store(60, { silent: true });
  await put(swift);
  expect(swift.puts).toEqual([60, 62]);
});

test('counts an answer that Heat took before it could be put again as sent: its resource is gone', async () => {
  const swift = store(0.2);
  const { put: first } = swift.object;
  swift.object.put = async () => {
    await first();
    swift.object.put = async () => await Promise.reject(new AgentError('cloud-refused', '404 Not Found'));
  };
  await put(swift);
  expect(swift.puts).toEqual([0.2]);
});

test('passes a rejection on, and puts nothing after it', async () => {
  const swift = store(60);
  const refused = new AgentError('unauthorized', '401');
  swift.object.put = async () => await Promise.reject(refused);
  await expect(put(swift)).rejects.toBe(refused);
  expect(swift.clock.sleeps).toEqual([]);
});
