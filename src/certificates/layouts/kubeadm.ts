import type { AuthorityRow, CertificateRow, FileRow, KubeconfigRow, Layout } from '../layout.ts';
import { MASTER_CLOUD_CONFIG, WORKER_CLOUD_CONFIG } from './cloud-config.ts';
import { CONTROLLER_MANAGER, kubeApiserver, kubelet, SCHEDULER } from './kubernetes-units.ts';

/**
 * kubeadm's file names, for control planes whose services are units. Magnum has a counterpart of each of kubeadm's
 * three CAs; subjects, names and usages are kubeadm's own.
 */

const file = (path: string, mode: number, directoryMode = 0o755): FileRow => ({
  path,
  owner: 'root',
  group: 'root',
  mode,
  directoryMode,
});

const pki = (stem: string): Pick<CertificateRow, 'files'> => ({
  files: {
    certificate: file(`/etc/kubernetes/pki/${stem}.crt`, 0o644),
    key: file(`/etc/kubernetes/pki/${stem}.key`, 0o600),
  },
});

const keyUsage = ['digitalSignature', 'keyEncipherment'] as const;
const client = { names: [], keyUsage, extendedKeyUsage: ['clientAuth'] } as const;

const NODE = 'system:node:{INSTANCE_NAME}';
const NODE_SUBJECT: CertificateRow['subject'] = [
  ['O', 'system:nodes'],
  ['CN', NODE],
];
const ADMINISTRATORS = ['O', 'system:masters'] as const;

const KUBERNETES_CA: AuthorityRow = { ca: 'kubernetes', file: file('/etc/kubernetes/pki/ca.crt', 0o644) };
const ETCD_LIST = file('/etc/kubernetes/pki/etcd/client.crl', 0o644);

/** Optional: with an external etcd, there is no etcd/ on this node. */
const etcdMember = (name: string, stem: string): CertificateRow => ({
  name,
  ca: 'etcd',
  subject: [['CN', '{INSTANCE_NAME}']],
  names: ['{INSTANCE_NAME}', 'localhost', '{KUBE_NODE_IP}', '127.0.0.1', '::1'],
  keyUsage,
  extendedKeyUsage: ['clientAuth', 'serverAuth'],
  ...pki(stem),
  optional: true,
});

/** A certificate that exists only within its kubeconfig. */
const embedded = (
  name: string,
  user: string,
  group?: readonly ['O', string],
  optional = false,
): CertificateRow => ({
  name,
  ca: 'kubernetes',
  subject: [['CN', user], ...(group ? [group] : [])],
  ...client,
  files: undefined,
  optional,
});

const kubeconfig = (
  name: string,
  certificate: string,
  user: string,
  server: string,
  create = true,
): KubeconfigRow => ({
  file: file(`/etc/kubernetes/${name}`, 0o600),
  create,
  certificate,
  ca: 'kubernetes',
  user,
  server,
});

/** The kubelet's own certificates: the client's in one file with its key, the server's in two files. */
const KUBELET_CERTIFICATES: readonly CertificateRow[] = [
  {
    name: 'kubelet-client',
    ca: 'kubernetes',
    subject: NODE_SUBJECT,
    ...client,
    files: {
      certificate: file('/var/lib/kubelet/pki/kubelet-client-current.pem', 0o600),
      key: file('/var/lib/kubelet/pki/kubelet-client-current.pem', 0o600),
    },
  },
  {
    name: 'kubelet-server',
    ca: 'kubernetes',
    subject: NODE_SUBJECT,
    names: ['{INSTANCE_NAME}', '{HOSTNAME}', '{KUBE_NODE_IP}'],
    keyUsage,
    extendedKeyUsage: ['serverAuth'],
    files: {
      certificate: file('/var/lib/kubelet/pki/kubelet.crt', 0o644),
      key: file('/var/lib/kubelet/pki/kubelet.key', 0o600),
    },
  },
];

const KUBELET = kubelet('kubelet-server');

const LOCAL_API = 'https://127.0.0.1:{KUBE_API_PORT|6443}';
const CLUSTER_API = 'https://{KUBE_API_PRIVATE_ADDRESS|kubernetes}:{KUBE_API_PORT|6443}';
const CONTROLLERS_USER = 'system:kube-controller-manager';
const SCHEDULER_USER = 'system:kube-scheduler';

const LIMITS = [
  {
    code: 'ca-keys-stay',
    text: 'the keys of the CAs (ca.key, etcd/ca.key, front-proxy-ca.key) stay with Magnum: where a node has them they are not replaced, and kube-controller-manager cannot sign with them any more',
  },
  {
    code: 'static-pods',
    text: 'a control plane of static pods is not restarted by this layout: a node without the units of the services is refused',
  },
] as const;

export const kubeadm: Layout = {
  name: 'kubeadm',
  description:
    "kubeadm's files in /etc/kubernetes/pki, its kubeconfigs, and the kubelet's in /var/lib/kubelet/pki",
  evidence: {
    params: [],
    files: ['/etc/kubernetes/pki/apiserver.crt', '/var/lib/kubelet/pki/kubelet-client-current.pem'],
  },
  limits: LIMITS,
  roles: {
    master: {
      authorities: [
        KUBERNETES_CA,
        { ca: 'etcd', file: file('/etc/kubernetes/pki/etcd/ca.crt', 0o644) },
        { ca: 'front-proxy', file: file('/etc/kubernetes/pki/front-proxy-ca.crt', 0o644) },
      ],
      certificates: [
        {
          name: 'apiserver',
          ca: 'kubernetes',
          subject: [['CN', 'kube-apiserver']],
          names: [
            '{INSTANCE_NAME}',
            'kubernetes',
            'kubernetes.default',
            'kubernetes.default.svc',
            'kubernetes.default.svc.{DNS_CLUSTER_DOMAIN|cluster.local}',
            '{FIRST_SERVICE_IP}',
            '{KUBE_NODE_IP}',
            '{KUBE_NODE_PUBLIC_IP}',
            '{KUBE_API_PRIVATE_ADDRESS}',
            '{KUBE_API_PUBLIC_ADDRESS}',
            '{MASTER_HOSTNAME}',
            '127.0.0.1',
          ],
          keyUsage,
          extendedKeyUsage: ['serverAuth'],
          ...pki('apiserver'),
        },
        {
          name: 'apiserver-kubelet-client',
          ca: 'kubernetes',
          subject: [ADMINISTRATORS, ['CN', 'kube-apiserver-kubelet-client']],
          ...client,
          ...pki('apiserver-kubelet-client'),
        },
        {
          name: 'apiserver-etcd-client',
          ca: 'etcd',
          subject: [['CN', 'kube-apiserver-etcd-client']],
          ...client,
          ...pki('apiserver-etcd-client'),
        },
        {
          name: 'front-proxy-client',
          ca: 'front-proxy',
          subject: [['CN', 'front-proxy-client']],
          ...client,
          ...pki('front-proxy-client'),
        },
        etcdMember('etcd-server', 'etcd/server'),
        etcdMember('etcd-peer', 'etcd/peer'),
        {
          name: 'etcd-healthcheck-client',
          ca: 'etcd',
          subject: [['CN', 'kube-etcd-healthcheck-client']],
          ...client,
          ...pki('etcd/healthcheck-client'),
          optional: true,
        },
        embedded('admin', 'kubernetes-admin', ADMINISTRATORS),
        embedded('super-admin', 'kubernetes-super-admin', ADMINISTRATORS, true),
        embedded('controller-manager', CONTROLLERS_USER),
        embedded('scheduler', SCHEDULER_USER),
        ...KUBELET_CERTIFICATES,
      ],
      serviceAccount: {
        publicKeyFile: file('/etc/kubernetes/pki/sa.pub', 0o644),
        privateKeyFile: file('/etc/kubernetes/pki/sa.key', 0o600),
        verifiers: ['kube-apiserver'],
        signers: ['kube-apiserver', 'kube-controller-manager'],
      },
      kubeconfigs: [
        kubeconfig('admin.conf', 'admin', 'kubernetes-admin', LOCAL_API),
        kubeconfig('super-admin.conf', 'super-admin', 'kubernetes-super-admin', LOCAL_API, false),
        kubeconfig('controller-manager.conf', 'controller-manager', CONTROLLERS_USER, LOCAL_API),
        kubeconfig('scheduler.conf', 'scheduler', SCHEDULER_USER, LOCAL_API),
        { ...kubeconfig('kubelet.conf', 'kubelet-client', NODE, LOCAL_API), byPath: true },
      ],
      units: [
        {
          unit: 'etcd',
          required: false,
          stopFirst: ['kube-apiserver'],
          probe: { host: '127.0.0.1', port: '2379', presents: 'etcd-server' },
          health: { url: 'https://127.0.0.1:2379/health', as: 'etcd-healthcheck-client' },
        },
        kubeApiserver('apiserver', 'apiserver-kubelet-client'),
        CONTROLLER_MANAGER,
        SCHEDULER,
        KUBELET,
      ],
      revocationLists: [{ ca: 'etcd', file: ETCD_LIST, unit: 'etcd', reader: 'etcd' }],
      credentials: MASTER_CLOUD_CONFIG,
    },
    worker: {
      authorities: [KUBERNETES_CA],
      certificates: KUBELET_CERTIFICATES,
      serviceAccount: undefined,
      kubeconfigs: [{ ...kubeconfig('kubelet.conf', 'kubelet-client', NODE, CLUSTER_API), byPath: true }],
      units: [KUBELET],
      credentials: WORKER_CLOUD_CONFIG,
    },
  },
};
