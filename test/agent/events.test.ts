import { expect, test } from 'vitest';
import { EVENTS, ON_NODE, reasonOnNode } from '../../agent/events.ts';

test.each([
  [{}, 'DeploymentFailed'],
  [{ node: 'taken-back' }, 'DeploymentRolledBack'],
  [{ node: 'unproven' }, 'DeploymentRolledBack'],
  [{ node: 'stuck' }, 'DeploymentStuck'],
  [{ asks: 'rotation' }, 'RotationFailed'],
  [{ asks: 'rotation', node: 'taken-back' }, 'RotationRolledBack'],
  [{ asks: 'rotation', node: 'stuck' }, 'RotationStuck'],
])('reports a failed deployment with the fields %o as the event %s on the Node', (fields, reason) => {
  expect(reasonOnNode({ event: 'deployment-failed', fields })).toBe(reason);
});

const reasonOf = (event: string, difference: string) => reasonOnNode({ event, fields: { difference } });

test('reports only expiring certificates of the differences as events on the Node', () => {
  expect(reasonOf('differs', 'authority-ends-soon')).toBe('AuthorityEnds');
  expect(reasonOf('differs-critical', 'expired')).toBe('CertificateExpired');
  expect(reasonOf('differs', 'names-differ')).toBeUndefined();
});

test('reports no other events on the Node', () => {
  for (const event of ['step-done', 'retrying', 'node-untold'])
    expect(reasonOnNode({ event, fields: {} })).toBeUndefined();
});

test('names every reason in upper camel case, for an event that is logged', () => {
  for (const { event, reason } of ON_NODE) {
    expect(reason).toMatch(/^([A-Z][a-z]+)+$/);
    expect(Object.keys(EVENTS)).toContain(event);
  }
});
