import { expect, test } from 'vitest';
import { lookAtDifferences } from '../../../agent/inspection/difference-findings.ts';
import type { Difference } from '../../../agent/inspection/differences.ts';

const one = (code: Difference['code'], severity: Difference['severity']): Difference => ({
  code,
  severity,
  of: '/f',
  text: code,
});
const look = (difference: Difference, phase: 'trust' | null = null): unknown[] =>
  lookAtDifferences([difference], phase, 'u');

test.each([
  ['names-differ', 'warning', { verdict: 'warning', reason: 'names-differ' }],
  [
    'authority-ends',
    'critical',
    { verdict: 'bad', reason: 'authority-ends', next: 'openstack coe ca rotate u' },
  ],
  ['former-signer', 'warning', { verdict: 'warning', next: 'openstack coe ca rotate u' }],
] as const)('reports %s', (code, severity, wanted) => {
  expect(look(one(code, severity))).toMatchObject([{ id: 'difference', of: '/f', ...wanted }]);
});

test.each(['expired', 'presents-another', 'authority-differs', 'login-refused'] as const)(
  'leaves %s to its own finding',
  (code) => {
    expect(look(one(code, 'critical'))).toMatchObject([{ verdict: 'good' }]);
  },
);

test('between two phases, the former CA still signs', () => {
  expect(look(one('former-signer', 'warning'), 'trust')).toMatchObject([{ verdict: 'good' }]);
});
