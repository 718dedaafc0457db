import type { CertificateRow, FileRow, KubeconfigRow, Layout } from '../layout.ts';
import { MASTER_CLOUD_CONFIG, WORKER_CLOUD_CONFIG } from './cloud-config.ts';
import { CONTROLLER_MANAGER, KUBE_PROXY, kubeApiserver, kubelet, SCHEDULER } from './kubernetes-units.ts';

/**
 * The layout of Magnum's user guide: one CA, one certificate and one key in /etc/kubernetes/pki, embedded as base64 in
 * the kubeconfigs.
 *
 * The node has only one certificate, so that carries every identity the node needs: a server's names, the node's name
 * for the kubelet and, on a master, the administrators' group for admin.conf. A worker's certificate does not have that
 * group.
 */

const file = (path: string, mode: number): FileRow => ({
  path,
  owner: 'root',
  group: 'root',
  mode,
  directoryMode: 0o755,
});

const files: CertificateRow['files'] = {
  certificate: file('/etc/kubernetes/pki/server.crt', 0o644),
  key: file('/etc/kubernetes/pki/server.key', 0o600),
};

const authorities = [{ ca: 'kubernetes', file: file('/etc/kubernetes/pki/ca.crt', 0o644) }] as const;

const usages = {
  keyUsage: ['digitalSignature', 'keyEncipherment'],
  extendedKeyUsage: ['clientAuth', 'serverAuth'],
} as const;

const kubeconfig = (name: string, create: boolean, user: string, server: string): KubeconfigRow => ({
  file: file(`/etc/kubernetes/${name}`, 0o600),
  create,
  certificate: 'server',
  ca: 'kubernetes',
  user,
  server,
});

const KUBELET = kubelet('server');

const LOCAL_API = 'https://127.0.0.1:{KUBE_API_PORT|6443}';
const CLUSTER_API = 'https://{KUBE_API_PRIVATE_ADDRESS|kubernetes}:{KUBE_API_PORT|6443}';
const NODE = 'system:node:{INSTANCE_NAME}';

export const kubernetesPki: Layout = {
  name: 'kubernetes-pki',
  description: "the user guide's files in /etc/kubernetes/pki, embedded in admin.conf and kubelet.conf",
  evidence: { params: [], files: ['/etc/kubernetes/pki'] },
  limits: [],
  roles: {
    master: {
      authorities,
      certificates: [
        {
          name: 'server',
          ca: 'kubernetes',
          subject: [
            ['CN', NODE],
            ['O', 'system:nodes'],
            ['O', 'system:masters'],
          ],
          names: [
            '{KUBE_NODE_IP}',
            '{KUBE_NODE_PUBLIC_IP}',
            '{KUBE_API_PUBLIC_ADDRESS}',
            '{KUBE_API_PRIVATE_ADDRESS}',
            '127.0.0.1',
            '{FIRST_SERVICE_IP}',
            '{INSTANCE_NAME}',
            '{MASTER_HOSTNAME}',
            'kubernetes',
            'kubernetes.default',
            'kubernetes.default.svc',
            'kubernetes.default.svc.cluster.local',
          ],
          ...usages,
          files,
        },
      ],
      serviceAccount: {
        publicKeyFile: file('/etc/kubernetes/pki/sa.pub', 0o644),
        privateKeyFile: file('/etc/kubernetes/pki/sa.key', 0o600),
        verifiers: ['kube-apiserver'],
        signers: ['kube-apiserver', 'kube-controller-manager'],
      },
      kubeconfigs: [
        kubeconfig('admin.conf', true, 'admin', LOCAL_API),
        kubeconfig('kubelet.conf', true, NODE, LOCAL_API),
      ],
      units: [
        kubeApiserver('server', 'server'),
        CONTROLLER_MANAGER,
        // Some nodes run the scheduler as a pod, managed by the kubelet.
        { ...SCHEDULER, required: false },
        KUBELET,
        KUBE_PROXY,
      ],
      credentials: MASTER_CLOUD_CONFIG,
    },
    worker: {
      authorities,
      certificates: [
        {
          name: 'server',
          ca: 'kubernetes',
          subject: [
            ['CN', NODE],
            ['O', 'system:nodes'],
          ],
          names: ['{KUBE_NODE_IP}', '{INSTANCE_NAME}', '{HOSTNAME}', '127.0.0.1'],
          ...usages,
          files,
        },
      ],
      serviceAccount: undefined,
      kubeconfigs: [
        kubeconfig('kubelet.conf', true, NODE, CLUSTER_API),
        // Workers normally have no admin.conf; an existing one is kept valid.
        kubeconfig('admin.conf', false, NODE, CLUSTER_API),
      ],
      units: [KUBELET, KUBE_PROXY],
      credentials: WORKER_CLOUD_CONFIG,
    },
  },
};
