import { join } from 'node:path';

/** A master of the small cluster, with all files below `folder`, and an address of its own. */
export type SmallNode = { name: string; address: string; folder: string };

export const PORTS = {
  api: 6443,
  etcd: 2379,
  etcdPeer: 2380,
  etcdPlain: 2378,
  controllerManager: 10257,
  scheduler: 10259,
} as const;

export const COMPONENTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;
export type Component = (typeof COMPONENTS)[number];

/** Returns the arguments of each component on a node; those for certificates are as Magnum's fragments write them. */
export function argumentsOf(
  component: Component,
  node: SmallNode,
  nodes: readonly SmallNode[],
): readonly string[] {
  const { name, address, folder } = node;
  const at = (file: string): string => join(folder, file);
  switch (component) {
    case 'etcd': {
      const peer = ({ address }: SmallNode): string => `https://${address}:${PORTS.etcdPeer}`;
      const tls = (prefix: string): string[] => [
        `--${prefix}cert-file=${at('etcd/server.crt')}`,
        `--${prefix}key-file=${at('etcd/server.key')}`,
        `--${prefix}trusted-ca-file=${at('etcd/ca.crt')}`,
        `--${prefix}client-cert-auth`,
      ];
      const own = `https://${address}:${PORTS.etcd}`;
      return [
        `--name=${name}`,
        `--data-dir=${at('etcd/data')}`,
        `--listen-client-urls=${own},http://${address}:${PORTS.etcdPlain}`,
        `--advertise-client-urls=${own}`,
        `--listen-peer-urls=${peer(node)}`,
        `--initial-advertise-peer-urls=${peer(node)}`,
        `--initial-cluster=${nodes.map((one) => `${one.name}=${peer(one)}`).join(',')}`,
        // For two cores.
        '--heartbeat-interval=500',
        '--election-timeout=5000',
        ...tls(''),
        ...tls('peer-'),
      ];
    }
    case 'kube-apiserver':
      return [
        `--bind-address=${address}`,
        `--advertise-address=${address}`,
        `--secure-port=${PORTS.api}`,
        // A loopback address is not a valid endpoint.
        '--endpoint-reconciler-type=none',
        `--etcd-servers=http://${address}:${PORTS.etcdPlain}`,
        `--tls-cert-file=${at('server.crt')}`,
        `--tls-private-key-file=${at('server.key')}`,
        `--client-ca-file=${at('ca.crt')}`,
        `--kubelet-certificate-authority=${at('ca.crt')}`,
        `--kubelet-client-certificate=${at('server.crt')}`,
        `--kubelet-client-key=${at('server.key')}`,
        '--authorization-mode=Node,RBAC',
        '--allow-privileged=true',
        '--service-cluster-ip-range=10.254.0.0/16',
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-key-file=${at('service_account.key')}`,
        `--service-account-signing-key-file=${at('service_account_private.key')}`,
        `--requestheader-client-ca-file=${at('front-proxy/ca.crt')}`,
        '--requestheader-allowed-names=front-proxy,kube,kubernetes',
        '--requestheader-extra-headers-prefix=X-Remote-Extra-',
        '--requestheader-group-headers=X-Remote-Group',
        '--requestheader-username-headers=X-Remote-User',
        `--proxy-client-cert-file=${at('front-proxy/server.crt')}`,
        `--proxy-client-key-file=${at('front-proxy/server.key')}`,
      ];
    case 'kube-controller-manager':
      return [
        `--kubeconfig=${at('admin.conf')}`,
        '--leader-elect=true',
        `--root-ca-file=${at('ca.crt')}`,
        `--service-account-private-key-file=${at('service_account_private.key')}`,
        '--use-service-account-credentials=true',
        '--port=0',
        `--secure-port=${PORTS.controllerManager}`,
        `--bind-address=${address}`,
        `--cert-dir=${folder}`,
        `--authentication-kubeconfig=${at('admin.conf')}`,
        `--authorization-kubeconfig=${at('admin.conf')}`,
      ];
    case 'kube-scheduler':
      return [
        `--kubeconfig=${at('admin.conf')}`,
        '--leader-elect=true',
        '--port=0',
        `--secure-port=${PORTS.scheduler}`,
        `--bind-address=${address}`,
        `--cert-dir=${folder}`,
        `--authentication-kubeconfig=${at('admin.conf')}`,
        `--authorization-kubeconfig=${at('admin.conf')}`,
      ];
  }
}
