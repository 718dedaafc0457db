export type Role = 'master' | 'worker';

export type HeatParamsFacts = {
  clusterUuid: string;
  magnumUrl: string;
  authUrl: string;
  trusteeUserId: string;
  trusteePassword: string;
  trustId: string;
  tlsDisabled: boolean;
  region: string;
};

/**
 * Returns the keys that Magnum writes to a node's /etc/sysconfig/heat-params, with plausible addresses; `extra`
 * overrides and adds.
 */
export function heatParams(
  facts: HeatParamsFacts,
  role: Role,
  instance: string,
  extra: Record<string, string>,
): Record<string, string> {
  const address = role === 'master' ? '10.0.0.5' : '10.0.0.6';
  return {
    CLUSTER_UUID: facts.clusterUuid,
    MAGNUM_URL: facts.magnumUrl,
    AUTH_URL: facts.authUrl,
    TRUSTEE_USER_ID: facts.trusteeUserId,
    TRUSTEE_PASSWORD: facts.trusteePassword,
    TRUST_ID: facts.trustId,
    TLS_DISABLED: facts.tlsDisabled ? 'True' : 'False',
    VERIFY_CA: 'True',
    REGION_NAME: facts.region,
    INSTANCE_NAME: instance,
    NODEGROUP_ROLE: role,
    KUBE_NODE_IP: address,
    KUBE_NODE_PUBLIC_IP: '',
    KUBE_API_PUBLIC_ADDRESS: '172.24.4.10',
    KUBE_API_PRIVATE_ADDRESS: '10.0.0.4',
    KUBE_API_PORT: '6443',
    ...(role === 'master' ? { MASTER_HOSTNAME: instance, ETCD_LB_VIP: '' } : {}),
    PORTAL_NETWORK_CIDR: '10.254.0.0/16',
    DNS_CLUSTER_DOMAIN: 'cluster.local',
    KUBE_SERVICE_ACCOUNT_KEY: '',
    KUBE_SERVICE_ACCOUNT_PRIVATE_KEY: '',
    HTTP_PROXY: '',
    HTTPS_PROXY: '',
    NO_PROXY: '',
    ...extra,
  };
}

/** Formats the file like Magnum's here-document. */
export const heatParamsText = (params: Record<string, string>): string =>
  Object.entries(params)
    .map(([key, value]) => `${key}="${value}"\n`)
    .join('');
