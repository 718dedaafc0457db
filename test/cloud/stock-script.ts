/**
 * Stand-ins for the texts of Magnum's own deployments: the fragments in order, joined as its templates join them, each
 * with its distinguishing marks.
 */

const SOURCE = '. /etc/sysconfig/heat-params';

/** Changes the version in heat-params, like the original in its last step. `COE_TEST_ROOT` is the node's root. */
const UPGRADE = `${SOURCE}
set -x
new_kube_tag="$kube_tag_input"
test "$UPGRADE_FAILS" != yes || { echo "no such image" >&2; exit 3; }
echo "KUBE_TAG=$new_kube_tag" >>"\${COE_TEST_ROOT:?}/etc/sysconfig/heat-params"
`;

/** Leaves a trace on the node: it must never run outside of a container. */
const MAKE_CERT = `# A licence.

set +x
${SOURCE}
set -x
function generate_certificates {
    touch "\${COE_TEST_ROOT:?}/made-certificates"
    : "$MAGNUM_URL/certificates/$CLUSTER_UUID"
}
generate_certificates server
`;

const rotate = (role: 'master' | 'worker'): string => `echo "START: rotate CA certs on ${role}"

set +x
${SOURCE}
set -x
echo "END: rotate CA certs on ${role}"
`;

export const stockScript = (role: 'master' | 'worker'): string =>
  ['#!/bin/bash', UPGRADE, MAKE_CERT, ...(role === 'master' ? [MAKE_CERT] : []), rotate(role)].join('\n');

export const STOCK_INPUTS = {
  kube_tag_input: 'kube_tag',
  kube_image_digest_input: 'kube_image_digest',
  ostree_remote_input: 'ostree_remote',
  ostree_commit_input: 'ostree_commit',
} as const;
