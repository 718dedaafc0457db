import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { createRetry } from '../../../src/base/retry.ts';
import { type AskApi, createCall, listAll, parsed } from '../../../src/services/kubernetes-call.ts';
import { NEVER, testClock } from '../support/clock.ts';
import { agentErrorOf, thrownBy } from '../support/outcome-of.ts';

type Answer = { status: number; headers?: Record<string, string>; text?: string };

/** Makes an API server that gives these answers in turn. */
function setUp(answers: Answer[]) {
  const clock = testClock();
  const asked: string[] = [];
  const ask: AskApi = async ({ path }) => {
    asked.push(path);
    const { status, headers = {}, text = '' } = answers.shift() ?? { status: 500 };
    return await Promise.resolve({ status, headers, text });
  };
  const retry = createRetry({ clock, random: () => 1, onRetry: () => undefined });
  const call = createCall(ask, retry, { baseMs: 100, capMs: 100, forMs: 1_000_000 });
  const get = async (): Promise<string> =>
    await call(
      { what: 'reading', method: 'GET', path: '/x', abort: NEVER },
      [200, 404],
      (status, text) => `${status} ${text}`,
    );
  return { clock, asked, call, get };
}

describe('a call', () => {
  test('returns an answer with an accepted status', async () => {
    expect(await setUp([{ status: 200, text: 'a' }]).get()).toBe('200 a');
    expect(await setUp([{ status: 404 }]).get()).toBe('404 ');
  });

  test.each([409, 429, 500, 503])('is retried after %i', async (status) => {
    expect(await setUp([{ status }, { status: 200 }]).get()).toBe('200 ');
  });

  test.each([400, 401, 403, 405, 422])('is rejected with %i, once', async (status) => {
    const { get, asked } = setUp([{ status, text: '{"kind":"Status","message":"no"}' }]);
    expect(await agentErrorOf(get())).toMatchObject({ code: 'cloud-refused' });
    expect(asked).toHaveLength(1);
  });

  test.each([
    ['7', 7000],
    ['9999', 300_000],
    ['soon', 100],
  ])('waits as long as Retry-After asks, within a limit: %s', async (seconds, ms) => {
    const { get, clock } = setUp([{ status: 429, headers: { 'retry-after': seconds } }, { status: 200 }]);
    await get();
    expect(clock.sleeps).toEqual([ms]);
  });
});

const page = (names: string[], next?: string): Answer => ({
  status: 200,
  text: JSON.stringify({
    metadata: { continue: next },
    items: names.map((name) => ({ metadata: { namespace: 'n', name } })),
  }),
});

describe('a list', () => {
  const Item = v.object({ metadata: v.object({ namespace: v.string(), name: v.string() }) });
  const list = async (answers: Answer[]) => {
    const { call, asked } = setUp(answers);
    const items = await listAll(call, Item, '/api/v1/pods', { fieldSelector: 'a=b' }, NEVER);
    return { names: items.map(({ metadata }) => metadata.name), asked };
  };

  test('is read page by page with its selector', async () => {
    const { names, asked } = await list([page(['a'], 'next'), page(['b'])]);
    expect(names).toEqual(['a', 'b']);
    const queries = asked.map((path) => new URLSearchParams(path.split('?')[1]));
    expect(queries.map((query) => query.get('continue'))).toEqual([null, 'next']);
    expect(queries.map((query) => query.get('fieldSelector'))).toEqual(['a=b', 'a=b']);
  });

  test('restarts when its continue token expires, without duplicates', async () => {
    const answers = [page(['a', 'gone'], 'next'), { status: 410 }, page(['a'], 'next'), page(['b'])];
    expect((await list(answers)).names).toEqual(['a', 'b']);
  });

  test('that keeps expiring fails', async () => {
    expect(await agentErrorOf(list([{ status: 410 }]))).toMatchObject({ code: 'bad-answer' });
  });

  test('without items is empty', async () => {
    expect((await list([{ status: 200, text: '{"items":null}' }])).names).toEqual([]);
  });
});

test('of another shape is rejected', () => {
  for (const text of ['', 'no', '{"a":1}'])
    expect(thrownBy(() => parsed(v.object({ b: v.string() }), text, 'reading'))).toMatchObject({
      code: 'bad-answer',
    });
});
