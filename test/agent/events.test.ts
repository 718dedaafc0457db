import { expect, test } from 'vitest';
import { EVENTS, ON_NODE, reasonOnNode } from '../../agent/events.ts';

test.each([
  [{}, 'DeploymentFailed'],
  [{ node: 'taken-back' }, 'DeploymentRolledBack'],
  [{ node: 'unproven' }, 'DeploymentRolledBack'],
  [{ node: 'stuck' }, 'DeploymentStuck'],
])('a failed deployment with the fields %o is the event %s on the Node', (fields, reason) => {
  expect(reasonOnNode({ event: 'deployment-failed', fields })).toBe(reason);
});

const reasonOf = (event: string, difference: string) => reasonOnNode({ event, fields: { difference } });

test('of what differs, the ends of certificates alone are events on the Node', () => {
  expect(reasonOf('differs', 'authority-ends-soon')).toBe('AuthorityEnds');
  expect(reasonOf('differs-critical', 'expired')).toBe('CertificateExpired');
  expect(reasonOf('differs', 'names-differ')).toBeUndefined();
});

test('other events are none on the Node', () => {
  for (const event of ['step-done', 'retrying', 'node-untold'])
    expect(reasonOnNode({ event, fields: {} })).toBeUndefined();
});

test('every reason is in upper camel case, and of an event that is logged', () => {
  for (const { event, reason } of ON_NODE) {
    expect(reason).toMatch(/^([A-Z][a-z]+)+$/);
    expect(Object.keys(EVENTS)).toContain(event);
  }
});
