import { expect, test } from 'vitest';
import { lookAtTrust } from '../../../agent/inspection/trust.ts';

test.each([[['member']], [['member', 'reader']], [['reader', 'member', '_member_']]])(
  'accepts a trust that delegates %j, which certificates need',
  (roles) => {
    expect(lookAtTrust(roles)).toMatchObject({
      verdict: 'good',
      what: `the trust delegates ${roles.join(', ')}`,
    });
  },
);

test('warns of every unneeded role by name', () => {
  const { verdict, what } = lookAtTrust(['member', 'admin', 'reader', 'load-balancer_member']);
  expect(verdict).toBe('warning');
  expect(what).toContain('the trust delegates member, admin, reader, load-balancer_member');
  expect(what).toContain('root of this node can use admin, load-balancer_member in the whole project');
});

test.each([[['reader']], [[]]])(
  'warns of a trust that delegates %j, with which nothing is signed',
  (roles) => {
    const { verdict, what } = lookAtTrust(roles);
    expect(verdict).toBe('warning');
    expect(what).toContain('and not member');
  },
);
