import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { createRetry } from '../../../src/base/retry.ts';
import { keepListening, type Listen } from '../../../src/metadata/listen.ts';
import { testClock } from '../support/clock.ts';

const LOST = new AgentError('cloud-unreachable', 'the socket was closed');
const REFUSED = new AgentError('login-refused', 'no');

/** Listens for each of `times` in turn, then stops the program. */
async function listening(...times: ((ring: () => void, advance: (ms: number) => void) => void)[]) {
  const clock = testClock();
  const stop = new AbortController();
  const rings: number[] = [];
  const began: number[] = [];
  const refusals: AgentError[] = [];
  const left = [...times];
  const listen: Listen = async (ring) => {
    began.push(clock.elapsed());
    const next = left.shift();
    if (left.length === 0) stop.abort();
    next?.(ring, clock.advance);
    await Promise.resolve();
  };
  const retry = createRetry({ clock, random: () => 1, onRetry: () => undefined });
  const hands = { clock, retry, refused: (error: AgentError) => void refusals.push(error) };
  await keepListening(listen, () => rings.push(clock.elapsed()), hands, stop.signal);
  return { rings, began, refusals };
}

const nothing = (): void => undefined;
const lose = (): void => {
  throw LOST;
};

test('rings at once on a message, and again after half a second, because the notice may precede the message', async () => {
  const { rings } = await listening((ring) => {
    ring();
  }, nothing);
  expect(rings).toEqual([0, 500]);
});

test('reconnects after growing waits of up to a minute if the peer does not answer', async () => {
  const { began } = await listening(...Array<typeof lose>(9).fill(lose), nothing);
  const waits = began.slice(1).map((at, index) => at - (began[index] ?? 0));
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

test('replaces a lost socket at once, and restarts the waits, if it had worked', async () => {
  const { began } = await listening(
    lose,
    lose,
    (_, advance) => {
      advance(61_000);
      throw LOST;
    },
    lose,
    nothing,
  );
  expect(began).toEqual([0, 1000, 3000, 64_000, 65_000]);
});

test('replaces an expired socket at once', async () => {
  expect((await listening(nothing, nothing, nothing)).began).toEqual([0, 0, 0]);
});

test('reports a refusal, and retries after five minutes', async () => {
  const { began, refusals } = await listening(
    () => {
      throw REFUSED;
    },
    nothing,
    nothing,
  );
  expect(began).toEqual([0, 300_000, 300_000]);
  expect(refusals).toEqual([REFUSED]);
});
