/** Intended differences from the originals; README.md gives the reasons. */
export const differences = {
  /** A certificate contains each name once; the service address is the first one of its network. */
  names: (name: string, original: readonly string[]): string[] => [
    ...new Set(
      original.map((entry) =>
        name === 'master-repeated' && entry === 'IP Address:10.254.3.6' ? 'IP Address:10.254.0.1' : entry,
      ),
    ),
  ],

  /** Mode and owner by path, the original's and ours. */
  files: (name: string): readonly string[] =>
    name.startsWith('master') ? MASTER : name === 'worker' ? WORKER : [],
};

const MASTER = [
  '/etc/etcd/certs 755 root:root -> 550 etcd:kube_etcd',
  '/etc/etcd/certs/admin.crt 644 root:root -> 440 etcd:kube_etcd',
  '/etc/etcd/certs/admin.key 400 root:root -> 440 etcd:kube_etcd',
  '/etc/etcd/certs/ca.crt 644 root:root -> 440 etcd:kube_etcd',
  '/etc/etcd/certs/server.crt 644 root:root -> 440 etcd:kube_etcd',
  '/etc/etcd/certs/server.key 400 root:root -> 440 etcd:kube_etcd',
  '/etc/kubernetes/certs/admin.crt 644 kube:kube_etcd -> 440 kube:kube_etcd',
  '/etc/kubernetes/certs/admin.key 400 kube:kube_etcd -> 440 kube:kube_etcd',
  '/etc/kubernetes/certs/ca.crt 644 kube:kube_etcd -> 440 kube:kube_etcd',
  '/etc/kubernetes/certs/front-proxy 755 root:root -> 550 kube:kube_etcd',
  '/etc/kubernetes/certs/front-proxy/admin.crt 644 root:root -> 440 kube:kube_etcd',
  '/etc/kubernetes/certs/front-proxy/admin.key 400 root:root -> 440 kube:kube_etcd',
  '/etc/kubernetes/certs/front-proxy/ca.crt 644 root:root -> 440 kube:kube_etcd',
  '/etc/kubernetes/certs/front-proxy/server.crt 644 root:root -> 440 kube:kube_etcd',
  '/etc/kubernetes/certs/front-proxy/server.key 400 root:root -> 440 kube:kube_etcd',
  '/etc/kubernetes/certs/kubelet.crt 644 kube:kube_etcd -> 440 kube:kube_etcd',
  '/etc/kubernetes/certs/proxy.crt 644 root:root -> 440 kube:kube_etcd',
  '/etc/kubernetes/certs/proxy.key 440 root:root -> 440 kube:kube_etcd',
  '/etc/kubernetes/certs/server.crt 644 kube:kube_etcd -> 440 kube:kube_etcd',
  '/etc/kubernetes/certs/service_account.key 644 kube:kube_etcd -> 440 kube:kube_etcd',
  '/etc/kubernetes/certs/service_account_private.key 644 kube:kube_etcd -> 440 kube:kube_etcd',
];

const WORKER = [
  '/etc/kubernetes/certs 550 root:root -> 550 kube:kube_etcd',
  '/etc/kubernetes/certs/ca.crt 644 root:root -> 440 kube:kube_etcd',
  '/etc/kubernetes/certs/kubelet.crt 644 root:root -> 440 kube:kube_etcd',
  '/etc/kubernetes/certs/kubelet.key 440 root:root -> 440 kube:kube_etcd',
  '/etc/kubernetes/certs/proxy.crt 644 root:root -> 440 kube:kube_etcd',
  '/etc/kubernetes/certs/proxy.key 440 root:root -> 440 kube:kube_etcd',
];
