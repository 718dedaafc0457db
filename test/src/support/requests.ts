import type { CertificateRequest } from '../../../src/certificates/request.ts';
import type { Values } from '../../../src/certificates/template.ts';
import { factsOf } from '../../../src/certificates/template.ts';

/** Makes a request like a kubelet's. */
export const request = (over: Partial<CertificateRequest> = {}): CertificateRequest => ({
  name: 'kubelet',
  ca: 'kubelet',
  subject: [
    ['CN', 'system:node:node-0'],
    ['O', 'system:nodes'],
  ],
  names: ['10.0.0.5', 'node-0'],
  keyUsage: ['digitalSignature', 'keyEncipherment'],
  extendedKeyUsage: ['clientAuth', 'serverAuth'],
  ...over,
});

/** heat-params of a node with an address of every kind. */
export const PARAMS = {
  CLUSTER_UUID: 'dbaac417-5052-41e0-8002-093039cd7a73',
  MAGNUM_URL: 'http://127.0.0.1:9511/v1',
  INSTANCE_NAME: 'k1-node-0',
  KUBE_NODE_IP: '10.0.0.5',
  KUBE_NODE_PUBLIC_IP: '172.24.4.5',
  KUBE_API_PUBLIC_ADDRESS: '172.24.4.9',
  KUBE_API_PRIVATE_ADDRESS: '10.0.0.9',
  ETCD_LB_VIP: '10.0.0.10',
  PORTAL_NETWORK_CIDR: '10.254.0.0/16',
  MASTER_HOSTNAME: 'k1-master',
} as const;

export const valuesOf = (over: Record<string, string> = {}): Values =>
  factsOf(new Map(Object.entries({ ...PARAMS, ...over })), 'host-0');
