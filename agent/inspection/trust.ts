import type { Finding } from './finding.ts';

/** Magnum 2023.2 and newer sign for `member`, which implies `reader`; older versions sign for any role. */
const NEEDED = 'member';
const HARMLESS: ReadonlySet<string> = new Set([NEEDED, 'reader', '_member_']);

/** How to reduce the delegated roles. */
const LIMIT = {
  trust:
    'if no service of the cluster needs more, set [trust] roles in magnum.conf before clusters are created',
  'application-credential': 'create one with --role member alone',
} as const;

/**
 * Reports a trustee without a trust. It has no roles, so Magnum's policy must allow `cluster_user`, as in 2023.1 and
 * older.
 */
export const lookAtTrustee = (login: string): Finding => ({
  id: 'trust-roles',
  verdict: 'warning',
  reason: 'no-trust',
  what: `heat-params has no TRUST_ID, so this node logs in as ${login}: Magnum 2023.2 and newer sign no certificate for it; set cloud.application_credential, or allow cluster_user in Magnum's policy`,
});

/**
 * Checks the roles of the node's trust or application credential. The login is stored on the node, so root on the node
 * has all of these roles.
 */
export function lookAtRoles(of: 'trust' | 'application-credential', roles: readonly string[]): Finding {
  const about = { id: 'trust-roles' } as const;
  const subject = of === 'trust' ? 'the trust delegates' : 'the application credential has';
  const what = `${subject} ${roles.join(', ') || 'roles that Keystone does not name'}`;
  const others = roles.filter((role) => !HARMLESS.has(role));
  if (others.length > 0)
    return {
      ...about,
      verdict: 'warning',
      reason: 'more-than-needed',
      what: `${what}: root of this node can use ${others.join(', ')} in the whole project, but certificates need only ${NEEDED}; ${LIMIT[of]} (/opt/coe-agent/docs/security.md)`,
    };
  if (!roles.includes(NEEDED))
    return {
      ...about,
      verdict: 'warning',
      reason: 'member-missing',
      what: `${what}, but not ${NEEDED}: Magnum 2023.2 and newer sign no certificate for it`,
    };
  return { ...about, verdict: 'good', what };
}
