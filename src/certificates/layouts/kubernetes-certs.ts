import type { CaType, CertificateRow, FileRow, Layout } from '../layout.ts';
import { MASTER_CLOUD_CONFIG, WORKER_CLOUD_CONFIG } from './cloud-config.ts';
import { CONTROLLER_MANAGER, KUBE_PROXY, kubeApiserver, kubelet, SCHEDULER } from './kubernetes-units.ts';

/**
 * The files that Magnum's make-cert.sh and make-cert-client.sh create on a Kubernetes node. The rows match the
 * originals in subject, names, usages, CA and file names. Workers run the second script, masters run both, one after
 * the other.
 */

const file = (path: string, owner = 'kube'): FileRow => ({
  path,
  owner,
  group: 'kube_etcd',
  mode: 0o440,
  directoryMode: 0o550,
});

const stem = (path: string, owner?: string): Pick<CertificateRow, 'files'> => ({
  files: { certificate: file(`${path}.crt`, owner), key: file(`${path}.key`, owner) },
});

const OPENSTACK = [
  ['OU', 'OpenStack/Magnum'],
  ['C', 'US'],
  ['ST', 'TX'],
  ['L', 'Austin'],
] as const;

const MASTER_NAMES = [
  '{KUBE_NODE_IP}',
  '{KUBE_NODE_PUBLIC_IP}',
  '{KUBE_API_PUBLIC_ADDRESS}',
  '{KUBE_API_PRIVATE_ADDRESS}',
  '{MASTER_HOSTNAME}',
  '{ETCD_LB_VIP}',
  '127.0.0.1',
  '{FIRST_SERVICE_IP}',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
];

const both = ['clientAuth', 'serverAuth'] as const;
const plain = { names: MASTER_NAMES, keyUsage: [], extendedKeyUsage: both } as const;
const usage = ['digitalSignature', 'keyEncipherment'] as const;

/** From make-cert-client.sh. */
const clientCertificates = (ca: CaType): CertificateRow[] => [
  {
    name: 'kubelet',
    ca,
    subject: [['CN', 'system:node:{INSTANCE_NAME}'], ['O', 'system:nodes'], ...OPENSTACK],
    names: ['{KUBE_NODE_IP}', '{INSTANCE_NAME}', '{HOSTNAME}'],
    keyUsage: usage,
    extendedKeyUsage: both,
    ...stem('/etc/kubernetes/certs/kubelet'),
  },
  {
    name: 'proxy',
    ca,
    subject: [['CN', 'system:kube-proxy'], ['O', 'system:node-proxier'], ...OPENSTACK],
    names: [],
    keyUsage: usage,
    extendedKeyUsage: ['clientAuth'],
    ...stem('/etc/kubernetes/certs/proxy'),
  },
];

const KUBELET = kubelet('kubelet');

export const kubernetesCerts: Layout = {
  name: 'kubernetes-certs',
  description: 'the files of make-cert.sh in /etc/kubernetes/certs and /etc/etcd/certs',
  evidence: { params: [], files: ['/etc/kubernetes/certs'] },
  limits: [],
  roles: {
    master: {
      authorities: [
        { ca: 'kubelet', file: file('/etc/kubernetes/certs/ca.crt') },
        { ca: 'etcd', file: file('/etc/etcd/certs/ca.crt', 'etcd') },
        { ca: 'front-proxy', file: file('/etc/kubernetes/certs/front-proxy/ca.crt') },
      ],
      certificates: [
        {
          name: 'server',
          ca: 'kubelet',
          subject: [['CN', 'kubernetes']],
          ...plain,
          ...stem('/etc/kubernetes/certs/server'),
        },
        ...clientCertificates('kubelet'),
        {
          name: 'admin',
          ca: 'kubelet',
          subject: [['CN', 'admin'], ['O', 'system:masters'], ...OPENSTACK],
          names: [],
          keyUsage: [],
          extendedKeyUsage: ['clientAuth'],
          ...stem('/etc/kubernetes/certs/admin'),
        },
        {
          name: 'etcd-server',
          ca: 'etcd',
          subject: [['CN', 'etcd']],
          ...plain,
          ...stem('/etc/etcd/certs/server', 'etcd'),
        },
        {
          name: 'etcd-admin',
          ca: 'etcd',
          subject: [['CN', 'etcd']],
          ...plain,
          ...stem('/etc/etcd/certs/admin', 'etcd'),
        },
        {
          name: 'front-proxy-server',
          ca: 'front-proxy',
          subject: [['CN', 'front-proxy']],
          ...plain,
          ...stem('/etc/kubernetes/certs/front-proxy/server'),
        },
        {
          name: 'front-proxy-admin',
          ca: 'front-proxy',
          subject: [['CN', 'front-proxy']],
          ...plain,
          ...stem('/etc/kubernetes/certs/front-proxy/admin'),
        },
      ],
      serviceAccount: {
        publicKeyFile: file('/etc/kubernetes/certs/service_account.key'),
        privateKeyFile: file('/etc/kubernetes/certs/service_account_private.key'),
        verifiers: ['kube-apiserver'],
        signers: ['kube-apiserver', 'kube-controller-manager'],
      },
      // With the label cert_manager_api, Magnum stores ca.key beside ca.crt, and kube-controller-manager signs with
      // both.
      signer: {
        ca: 'kubelet',
        argumentsFile: '/etc/kubernetes/controller-manager',
        file: file('/etc/kubernetes/certs/signing-ca.crt'),
      },
      kubeconfigs: [],
      units: [
        {
          unit: 'etcd',
          required: true,
          stopFirst: ['kube-apiserver'],
          // Magnum's etcd serves TLS on the node's address and plain HTTP on loopback.
          probe: { host: '{KUBE_NODE_IP|127.0.0.1}', port: '2379', presents: 'etcd-server' },
          health: { url: 'https://{KUBE_NODE_IP|127.0.0.1}:2379/health', as: 'etcd-admin' },
        },
        kubeApiserver('server', 'admin'),
        CONTROLLER_MANAGER,
        SCHEDULER,
        KUBELET,
        KUBE_PROXY,
      ],
      revocationLists: [
        { ca: 'etcd', file: file('/etc/etcd/certs/client.crl', 'etcd'), unit: 'etcd', reader: 'etcd' },
      ],
      credentials: MASTER_CLOUD_CONFIG,
    },
    worker: {
      authorities: [{ ca: 'kubernetes', file: file('/etc/kubernetes/certs/ca.crt') }],
      certificates: clientCertificates('kubernetes'),
      serviceAccount: undefined,
      kubeconfigs: [],
      units: [KUBELET, KUBE_PROXY],
      credentials: WORKER_CLOUD_CONFIG,
    },
  },
};
