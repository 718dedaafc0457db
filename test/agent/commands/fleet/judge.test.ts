import { expect, test } from 'vitest';
import { judgeFleet } from '../../../../agent/commands/fleet/judge.ts';
import type { Report } from '../../../../agent/node-report/report.ts';
import type { NodeObject } from '../../../../src/services/node-annotations.ts';

const NOW = Date.parse('2026-11-29T12:00:00.000Z');
const DAY_MS = 86_400_000;
const iso = (ms: number): string => new Date(NOW + ms).toISOString();

const REPORT: Report = {
  version: 1,
  agent: '0.1.0',
  phase: 'none',
  cas: ['aa'],
  notAfter: iso(400 * DAY_MS),
  at: iso(-60_000),
  passAt: iso(-70_000),
};

const nodeOf = (name: string, report?: Partial<Report> | string, isReady = true): NodeObject => ({
  name,
  isMaster: name.startsWith('master'),
  isReady,
  kubelet: undefined,
  annotations:
    report === undefined
      ? {}
      : { report: typeof report === 'string' ? report : JSON.stringify({ ...REPORT, ...report }) },
});

const problemsOf = (nodes: readonly NodeObject[]): Record<string, string[]> =>
  Object.fromEntries(judgeFleet(nodes, NOW).map(({ node, problems }) => [node, problems]));

test('finds no problem in equal and healthy nodes', () => {
  expect(judgeFleet([nodeOf('master-0', {}), nodeOf('worker-0', {})], NOW)).toMatchObject([
    { node: 'master-0', role: 'master', daysLeft: 400, problems: [] },
    { node: 'worker-0', role: 'worker', daysLeft: 400, problems: [] },
  ]);
});

test.each<[string, Partial<Report>]>([
  ['in-phase', { phase: 'reissue' }],
  ['waits', { waits: { why: 'no-api', for: [] } }],
  ['certificate-ends', { notAfter: iso(29 * DAY_MS) }],
  ['agent-silent', { at: iso(-7_300_000), passAt: iso(-7_300_000) }],
  ['cloud-silent', { passAt: iso(-7_300_000) }],
  ['other-cas', { cas: ['aa', 'bb'] }],
  ['other-version', { agent: '0.0.9' }],
])('%s: a node that reports %o', (problem, over) => {
  const nodes = [nodeOf('a', {}), nodeOf('b', {}), nodeOf('c', over)];
  expect(problemsOf(nodes)).toEqual({ a: [], b: [], c: [problem] });
});

test('treats a daemon without any complete pass as a silent cloud', () => {
  const { passAt: _, ...rest } = REPORT;
  expect(problemsOf([nodeOf('a', JSON.stringify(rest))])).toEqual({ a: ['cloud-silent'] });
});

test('declares no majority between two halves with different CAs', () => {
  expect(problemsOf([nodeOf('a', {}), nodeOf('b', { cas: ['bb'] })])).toEqual({
    a: ['other-cas'],
    b: ['other-cas'],
  });
});

test('reports a Node without a report, with an invalid one, or with a later format', () => {
  const later = JSON.stringify({ ...REPORT, version: 2 });
  expect(
    problemsOf([nodeOf('a'), nodeOf('b', 'no json'), nodeOf('c', later), nodeOf('d', {}, false)]),
  ).toEqual({
    a: ['no-report'],
    b: ['bad-report'],
    c: ['bad-report'],
    d: ['not-ready'],
  });
});
