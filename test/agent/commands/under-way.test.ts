import { expect, test } from 'vitest';
import { createUnderWay } from '../../../agent/commands/under-way.ts';

const STEP = { code: 'issue', text: 'get 7 certificates' } as const;
const setUp = () => {
  let now = 0;
  const underWay = createUnderWay(() => now);
  return { ...underWay, pass: (ms: number) => (now += ms) };
};

test('counts the parts of a step and its time', () => {
  const { hear, line, pass } = setUp();
  expect(line()).toBeUndefined();
  hear({ event: 'step', step: STEP });
  for (const name of ['server', 'kubelet', 'admin']) hear({ event: 'part', part: 'key', name, of: 7 });
  pass(12_000);
  expect(line()).toBe('get 7 certificates, keys 3 of 7  12 s');
  for (const name of ['proxy', 'etcd', 'peer', 'client']) hear({ event: 'part', part: 'key', name, of: 7 });
  hear({ event: 'part', part: 'certificate', name: 'server', of: 7 });
  expect(line()).toBe('get 7 certificates, certificates 1 of 7  12 s');
  hear({ event: 'done', step: STEP, ms: 12_000 });
  expect(line()).toBeUndefined();
});

test('counts down to the next retry, and to the end of the patience', () => {
  const { hear, line, pass } = setUp();
  hear({ event: 'step', step: STEP });
  hear({ event: 'waiting', what: 'sign', why: 'Magnum: 503', retryInMs: 8000, givesUpInMs: 60_000 });
  pass(3000);
  expect(line()).toBe('retry in 5 s, timeout in 57 s: sign: Magnum: 503');
  hear({ event: 'part', part: 'certificate', name: 'server', of: 7 });
  expect(line()).toBe('get 7 certificates, certificates 1 of 7  3 s');
});

test('shows no limit if retries never end', () => {
  const { hear, line } = setUp();
  hear({ event: 'waiting', what: 'listen', why: 'closed', retryInMs: 1000, givesUpInMs: Infinity });
  expect(line()).toBe('retry in 1 s: listen: closed');
});
