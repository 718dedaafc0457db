import type { Token, User } from './identity.ts';

/**
 * Releases by their default policy: Magnum 15 in Debian 12 checks only projects and owners; since 2023.2 (Magnum 17) it
 * checks the roles reader and member, and since 2025.1 (oslo.policy 4.4) only roles.
 */
export const RELEASES = ['zed', '2025.1'] as const;
export type Release = (typeof RELEASES)[number];

export type Action = 'certificate:get' | 'certificate:create' | 'certificate:rotate_ca';

/** Whether a token of the cluster's project may do this: `magnum/common/policies/certificate.py`. */
export function isAllowed(
  release: Release,
  action: Action,
  token: Token,
  { owner, trustee }: { owner: User; trustee: User },
): boolean {
  const has = (role: (typeof RANKS)[number]): boolean =>
    RANKS.slice(RANKS.indexOf(role)).some((one) => token.roles.includes(one));
  if (has('admin')) return true;
  // With a trust, the user is the trustor, as Keystone impersonates.
  const isOwner = token.user.id === owner.id;
  // The rule cluster_user applies to the trustee without its trust.
  if (release === 'zed' && action !== 'certificate:rotate_ca' && token.user.id === trustee.id) return true;
  switch (action) {
    case 'certificate:get':
      return isOwner && (release === 'zed' || has('reader'));
    case 'certificate:create':
      return isOwner && (release === 'zed' || has('member'));
    case 'certificate:rotate_ca':
      return release === 'zed' || has('member');
  }
}

/** Keystone's default roles: each implies those before it. */
const RANKS = ['reader', 'member', 'admin'] as const;
