import { expect, test } from 'vitest';
import { fleetNodeOf } from '../../../../agent/commands/fleet/list-nodes.ts';

const REPORT = { version: 1, agent: '0.1.0', phase: 'none', cas: ['aa'], at: '2026-11-29T12:00:00.000Z' };

const reportIn = (text: string | undefined): unknown =>
  fleetNodeOf({
    name: 'worker-0',
    isMaster: false,
    isReady: true,
    kubelet: undefined,
    annotations: text === undefined ? {} : { report: text },
  }).report;

test('reads the report of a Node', () => {
  expect(reportIn(JSON.stringify(REPORT))).toEqual(REPORT);
});

test('marks a Node without a report, with an invalid one, with a later format, and with one that is too long', () => {
  expect(reportIn(undefined)).toBe('no-report');
  expect(reportIn('no json')).toBe('bad-report');
  expect(reportIn(JSON.stringify({ ...REPORT, version: 2 }))).toBe('bad-report');
  expect(reportIn(JSON.stringify({ ...REPORT, agent: 'x'.repeat(300) }))).toBe('bad-report');
});
