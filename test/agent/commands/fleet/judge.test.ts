import { expect, test } from 'vitest';
import { judgeFleet } from '../../../../agent/commands/fleet/judge.ts';
import type { Report } from '../../../../agent/inspection/report.ts';
import type { FleetNode, SourceKind } from '../../../../agent/commands/fleet/source.ts';

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

const nodeOf = (name: string, report: Partial<Report> = {}, isReady = true): FleetNode => ({
  node: name,
  role: name.startsWith('master') ? 'master' : 'worker',
  isReady,
  report: { ...REPORT, ...report },
});

const problemsOf = (nodes: readonly FleetNode[], kind: SourceKind = 'nodes'): Record<string, string[]> =>
  Object.fromEntries(judgeFleet(nodes, kind, NOW).map(({ node, problems }) => [node, problems]));

test('finds no problem in equal and healthy nodes', () => {
  expect(judgeFleet([nodeOf('worker-0'), nodeOf('master-0')], 'nodes', NOW)).toMatchObject([
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
  const nodes = [nodeOf('a'), nodeOf('b'), nodeOf('c', over)];
  expect(problemsOf(nodes)).toEqual({ a: [], b: [], c: [problem] });
});

test('treats a daemon without any complete pass as a silent cloud', () => {
  const { passAt: _, ...report } = REPORT;
  expect(problemsOf([{ ...nodeOf('a'), report }])).toEqual({ a: ['cloud-silent'] });
});

test('judges a report of a stack by its age alone: no daemon repeats it', () => {
  const { passAt: _, ...report } = REPORT;
  const [hours, days] = [{ at: iso(-23 * 3_600_000) }, { at: iso(-25 * 3_600_000) }];
  expect(
    problemsOf(
      [
        { ...nodeOf('a'), report: { ...report, ...hours } },
        { ...nodeOf('b'), report: { ...report, ...days } },
      ],
      'stack',
    ),
  ).toEqual({ a: [], b: ['old-report'] });
});

test('declares no majority between two halves with different CAs', () => {
  expect(problemsOf([nodeOf('a'), nodeOf('b', { cas: ['bb'] })])).toEqual({
    a: ['other-cas'],
    b: ['other-cas'],
  });
});

test('reports a node without a readable report, and one that is not ready', () => {
  expect(
    problemsOf([
      { ...nodeOf('a'), report: 'no-report' },
      { ...nodeOf('b'), report: 'bad-report' },
      nodeOf('c', {}, false),
    ]),
  ).toEqual({ a: ['no-report'], b: ['bad-report'], c: ['not-ready'] });
});

test('shows masters first, and numbers in their order', () => {
  const names = ['worker-10', 'worker-9', 'master-1', 'master-0'];
  const rows = judgeFleet(
    names.map((name) => nodeOf(name)),
    'nodes',
    NOW,
  );
  expect(rows.map(({ node }) => node)).toEqual(['master-0', 'master-1', 'worker-9', 'worker-10']);
});
