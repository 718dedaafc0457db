import type { Finding } from './finding.ts';

/** Magnum 2023.2 and newer sign for `member`, which implies `reader`; older versions sign for any role. */
const NEEDED = 'member';
const HARMLESS: ReadonlySet<string> = new Set([NEEDED, 'reader', '_member_']);

/** How to reduce the delegated roles. */
const LIMIT = {
  trust:
    'if no service of the cluster needs more, set [trust] roles in magnum.conf before clusters are created',
  'application-credential': 'make another one with --role member',
} as const;

/**
 * Reports a trustee without a trust. It has no roles, so Magnum's policy must allow `cluster_user`, as in 2023.1 and
 * older.
 */
export const lookAtTrustee = (login: string): Finding => ({
  id: 'trust-roles',
  verdict: 'warning',
  reason: 'no-trust',
  what: `heat-params has no TRUST_ID, so this node logs in as ${login}: Magnum 2023.2 and newer sign no certificate for it, unless their policy allows cluster_user, or the node is given an application credential (cloud.application_credential)`,
});

/**
 * Checks the roles of the node's trust or application credential. The login is stored on the node, so root on the node
 * has all of these roles.
 */
export function lookAtRoles(of: 'trust' | 'application-credential', roles: readonly string[]): Finding {
  const about = { id: 'trust-roles' } as const;
  const subject = of === 'trust' ? 'the trust delegates' : 'the application credential has';
  const what = `${subject} ${roles.join(', ') || 'no role that Keystone tells'}`;
  const others = roles.filter((role) => !HARMLESS.has(role));
  if (others.length > 0)
    return {
      ...about,
      verdict: 'warning',
      reason: 'more-than-needed',
      what: `${what}: root of this node can use ${others.join(', ')} in the whole project, and certificates need ${NEEDED} alone; ${LIMIT[of]} (docs/security.md)`,
    };
  if (!roles.includes(NEEDED))
    return {
      ...about,
      verdict: 'warning',
      reason: 'member-missing',
      what: `${what}, and not ${NEEDED}: Magnum 2023.2 and newer sign no certificate for it`,
    };
  return { ...about, verdict: 'good', what };
}
