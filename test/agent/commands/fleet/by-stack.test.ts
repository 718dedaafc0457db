import { describe, expect, test } from 'vitest';
import { nodesIn } from '../../../../agent/commands/fleet/by-stack.ts';
import { faultIn } from '../../../src/support/outcome-of.ts';

const REPORT = { version: 1, agent: '0.1.0', phase: 'none', cas: ['aa'], at: '2026-11-29T12:00:00.000Z' };
const named = (node: string, role = 'worker') => ({ ...REPORT, node, role });

const nodesOf = (value: unknown, name = 'coe_fleet') =>
  nodesIn({
    name: 'fleet',
    outputs: [
      { name: 'fingerprints', value: { a: 'aa' }, error: undefined },
      { name, value, error: undefined },
    ],
  });

const faultOf = async (outputs: Parameters<typeof nodesIn>[0]['outputs']) =>
  await faultIn(Promise.resolve().then(() => nodesIn({ name: 'fleet', outputs })));

describe('nodesIn', () => {
  test('reads the map of a group; a name of the group overrides the name in the report', () => {
    expect(nodesOf({ 'master-0': named('k1-master-0', 'master'), 'worker-0': named('master-0') })).toEqual([
      { node: 'master-0', role: 'master', isReady: true, report: REPORT },
      { node: 'worker-0', role: 'worker', isReady: true, report: REPORT },
    ]);
  });

  test('reads one report, and a list of them, in outputs with the prefix too', () => {
    expect(nodesOf(named('a'))).toMatchObject([{ node: 'a', report: REPORT }]);
    expect(nodesOf([named('a'), null], 'coe_fleet_workers')).toMatchObject([
      { node: 'a', report: REPORT },
      { node: 'coe_fleet_workers[1]', report: 'no-report' },
    ]);
  });

  test('marks a server that has not answered', () => {
    expect(nodesOf({ a: null })).toMatchObject([{ node: 'a', role: undefined, report: 'no-report' }]);
    expect(nodesOf(null)).toMatchObject([{ node: 'coe_fleet', report: 'no-report' }]);
  });

  test.each([
    ['a text', 'stuck'],
    ['a later format', { ...named('a'), version: 2 }],
    ['a name that is too long', named('x'.repeat(300))],
    ['too many CAs', { ...named('a'), cas: Array.from({ length: 1000 }, () => 'aa') }],
    ['a number', 7],
    ['a list', [named('a')]],
  ])('marks %s as unreadable', (_, value) => {
    expect(nodesOf({ a: value, b: named('b') })).toMatchObject([
      { node: 'a', report: 'bad-report' },
      { node: 'b', report: REPORT },
    ]);
    if (!Array.isArray(value)) expect(nodesOf(value)).toMatchObject([{ report: 'bad-report' }]);
  });

  test('rejects a stack without such an output, and an output that Heat cannot resolve', async () => {
    expect(await faultOf([])).toEqual({ code: 'usage', reason: 'no-fleet-output' });
    expect(await faultOf([{ name: 'coe_fleet', value: null, error: 'no' }])).toEqual({
      code: 'bad-answer',
      reason: 'output-error',
    });
  });
});
