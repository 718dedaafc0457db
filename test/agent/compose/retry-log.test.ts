import { expect, test } from 'vitest';
import { createRetryLog } from '../../../agent/compose/retry-log.ts';
import { AgentError } from '../../../src/base/errors.ts';

function setUp() {
  const logged: unknown[] = [];
  let now = 0;
  const log = Object.assign((_event: string, fields?: Record<string, unknown>) => void logged.push(fields), {
    setLevel: () => undefined,
    setListener: () => undefined,
  });
  const tell = createRetryLog(log, { elapsed: () => now });
  return { logged, tell, pass: (ms: number) => (now += ms) };
}

const DOWN = new AgentError('cloud-unreachable', '503');

test('logs ten loops with the same cause once a minute, with their number', () => {
  const { logged, tell, pass } = setUp();
  for (let second = 0; second < 70; second += 1) {
    for (let loop = 0; loop < 10; loop += 1) tell({ text: `sign ${loop}` }, DOWN, 500);
    pass(1000);
  }
  expect(logged).toEqual([
    { what: 'sign 0', why: '503', wait_ms: 500, retries: 1 },
    { what: 'sign 0', why: '503', wait_ms: 500, retries: 600 },
  ]);
});

test('logs another cause separately', () => {
  const { logged, tell } = setUp();
  tell({ text: 'sign' }, DOWN, 1);
  tell({ text: 'sign' }, new AgentError('not-yet', 'no quorum'), 1);
  expect(logged).toMatchObject([{ why: '503' }, { why: 'no quorum' }]);
});
