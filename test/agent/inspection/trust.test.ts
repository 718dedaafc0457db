import { expect, test } from 'vitest';
import { lookAtRoles } from '../../../agent/inspection/trust.ts';

test.each([[['member']], [['member', 'reader']], [['reader', 'member', '_member_']]])(
  'accepts a trust that delegates %j, which certificates need',
  (roles) => {
    expect(lookAtRoles('trust', roles)).toMatchObject({ id: 'trust-roles', verdict: 'good' });
  },
);

test('warns of every unneeded role by name', () => {
  expect(lookAtRoles('trust', ['member', 'admin', 'reader', 'load-balancer_member'])).toMatchObject({
    verdict: 'warning',
    reason: 'more-than-needed',
    what: expect.stringContaining('admin, load-balancer_member') as unknown,
  });
});

test.each([[['reader']], [[]]])(
  'warns of a trust that delegates %j, with which nothing is signed',
  (roles) => {
    expect(lookAtRoles('trust', roles)).toMatchObject({ verdict: 'warning', reason: 'member-missing' });
  },
);
