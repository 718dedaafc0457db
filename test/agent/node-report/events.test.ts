import { expect, test } from 'vitest';
import { createEventQueue } from '../../../agent/node-report/events.ts';
import type { LogEntry } from '../../../src/base/log.ts';
import type { AskApi } from '../../../src/services/kubernetes-call.ts';
import { parseObject } from '../../cloud/exchange.ts';
import { NEVER, testClock } from '../../src/support/clock.ts';
import { faultIn } from '../../src/support/outcome-of.ts';

const HOUR = 3_600_000;
const MADE = 'renewal-succeeded';
const entry = (message: string, event = MADE, level: LogEntry['level'] = 'info'): LogEntry => ({
  level,
  event,
  message,
  fields: {},
});

/** An API that records what it is asked, and answers with these statuses in turn; 0: as usual. */
function setUp(...statuses: number[]) {
  const clock = testClock();
  const queue = createEventQueue({ clock });
  const asked: string[] = [];
  let made = 0;
  const ask: AskApi = async ({ method, path, body }) => {
    const { message, type, count } = parseObject(JSON.stringify(body?.value)) ?? {};
    asked.push(
      method === 'POST'
        ? `make ${String(type)} ${String(message)}`
        : `count ${path.split('/').at(-1)} ${String(count)}`,
    );
    const status = statuses.shift() || (method === 'POST' ? 201 : 200);
    if (status === 201) made += 1;
    return await Promise.resolve({
      status,
      headers: {},
      text: JSON.stringify({ metadata: { name: `n.${made}` } }),
    });
  };
  const send = async () => {
    await queue.send(ask, 'n', NEVER);
    return asked.splice(0);
  };
  return { queue, clock, send };
}

test('takes the events that belong on a Node, and no other', () => {
  const { queue } = setUp();
  expect(queue.take(entry('x', 'retrying'))).toBe(false);
  expect(queue.isEmpty()).toBe(true);
  expect(queue.take(entry('x'))).toBe(true);
  expect(queue.isEmpty()).toBe(false);
});

test('sends the events in their order, once', async () => {
  const { queue, send } = setUp();
  queue.take(entry('a'));
  queue.take(entry('b', MADE, 'error'));
  expect(await send()).toEqual(['make Normal a', 'make Warning b']);
  expect(await send()).toEqual([]);
});

test('counts an equal event, and makes it again once it has expired', async () => {
  const { queue, send } = setUp(0, 0, 404);
  for (const _ of [1, 2]) queue.take(entry('a'));
  expect(await send()).toEqual(['make Normal a', 'count n.1 2']);
  queue.take(entry('a'));
  expect(await send()).toEqual(['count n.1 3', 'make Normal a']);
  queue.take(entry('a'));
  expect(await send()).toEqual(['count n.2 2']);
});

test('keeps an event for an API that is away', async () => {
  const { queue, send } = setUp(503);
  queue.take(entry('a'));
  expect((await faultIn(send())).code).toBe('cloud-unreachable');
  expect(await send()).toEqual(['make Normal a', 'make Normal a']);
});

test('drops an event that the API rejects, and keeps those after it', async () => {
  const { queue, send } = setUp(403);
  queue.take(entry('a'));
  queue.take(entry('b'));
  expect((await faultIn(send())).code).toBe('cloud-refused');
  expect(await send()).toEqual(['make Normal a', 'make Normal b']);
});

test('does not send an event that Kubernetes would have deleted', async () => {
  const { queue, clock, send } = setUp();
  queue.take(entry('old'));
  clock.advance(HOUR + 1);
  queue.take(entry('new'));
  expect(await send()).toEqual(['make Normal new']);
});

test('keeps the newest events if the API is away for long', async () => {
  const { queue, send } = setUp();
  for (let index = 0; index < 40; index += 1) queue.take(entry(`${index}`));
  const sent = await send();
  expect(sent).toHaveLength(32);
  expect([sent.at(0), sent.at(-1)]).toEqual(['make Normal 8', 'make Normal 39']);
});
