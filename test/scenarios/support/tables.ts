/**
 * The required files of each kind of node, after the user guide and the predecessor's make-cert scripts. They are
 * repeated here, because the program's own tables cannot verify themselves.
 */
export type Leaf = {
  stem: string;
  ca: 'kubernetes' | 'etcd' | 'front-proxy';
  caFile: string;
  subject: string;
  names: 'master' | 'master-node' | 'pki-master' | 'worker' | 'pki-worker' | 'none';
  extended: readonly ('client' | 'server')[];
};

export type Expected = {
  leaves: readonly Leaf[];
  kubeconfigs: readonly string[];
  /** Public and private file. */
  serviceAccount: readonly [string, string] | undefined;
  /** In the order of their restart. */
  units: readonly string[];
};

const OPENSTACK = 'OU=OpenStack/Magnum, C=US, ST=TX, L=Austin';
const KUBE = { ca: 'kubernetes', caFile: '/etc/kubernetes/certs/ca.crt' } as const;
const ETCD = { ca: 'etcd', caFile: '/etc/etcd/certs/ca.crt', subject: 'CN=etcd' } as const;
const FRONT_PROXY = {
  ca: 'front-proxy',
  caFile: '/etc/kubernetes/certs/front-proxy/ca.crt',
  subject: 'CN=front-proxy',
} as const;
const both = ['client', 'server'] as const;
const PKI = {
  ca: 'kubernetes',
  caFile: '/etc/kubernetes/pki/ca.crt',
  stem: '/etc/kubernetes/pki/server',
} as const;

/** Of make-cert-client.sh, which every node runs. */
const clientLeaves = (name: string, names: 'master-node' | 'worker'): Leaf[] => [
  {
    ...KUBE,
    stem: '/etc/kubernetes/certs/kubelet',
    subject: `CN=system:node:${name}, O=system:nodes, ${OPENSTACK}`,
    names,
    extended: both,
  },
  {
    ...KUBE,
    stem: '/etc/kubernetes/certs/proxy',
    subject: `CN=system:kube-proxy, O=system:node-proxier, ${OPENSTACK}`,
    names: 'none',
    extended: ['client'],
  },
];

/** @param name INSTANCE_NAME of the node */
export const expectedOf = (
  name: string,
): Record<'certs master' | 'certs worker' | 'pki master' | 'pki worker', Expected> => ({
  'certs master': {
    leaves: [
      {
        ...KUBE,
        stem: '/etc/kubernetes/certs/server',
        subject: 'CN=kubernetes',
        names: 'master',
        extended: both,
      },
      ...clientLeaves(name, 'master-node'),
      {
        ...KUBE,
        stem: '/etc/kubernetes/certs/admin',
        subject: `CN=admin, O=system:masters, ${OPENSTACK}`,
        names: 'none',
        extended: ['client'],
      },
      { ...ETCD, stem: '/etc/etcd/certs/server', names: 'master', extended: both },
      { ...ETCD, stem: '/etc/etcd/certs/admin', names: 'master', extended: both },
      { ...FRONT_PROXY, stem: '/etc/kubernetes/certs/front-proxy/server', names: 'master', extended: both },
      { ...FRONT_PROXY, stem: '/etc/kubernetes/certs/front-proxy/admin', names: 'master', extended: both },
    ],
    kubeconfigs: [],
    serviceAccount: [
      '/etc/kubernetes/certs/service_account.key',
      '/etc/kubernetes/certs/service_account_private.key',
    ],
    units: ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy'],
  },
  'certs worker': {
    leaves: clientLeaves(name, 'worker'),
    kubeconfigs: [],
    serviceAccount: undefined,
    units: ['kubelet', 'kube-proxy'],
  },
  'pki master': {
    leaves: [
      {
        ...PKI,
        subject: `CN=system:node:${name}, O=system:nodes, O=system:masters`,
        names: 'pki-master',
        extended: both,
      },
    ],
    kubeconfigs: ['/etc/kubernetes/admin.conf', '/etc/kubernetes/kubelet.conf'],
    serviceAccount: ['/etc/kubernetes/pki/sa.pub', '/etc/kubernetes/pki/sa.key'],
    // The stand-in node has no scheduler unit: the scheduler runs as a pod.
    units: ['kube-apiserver', 'kube-controller-manager', 'kubelet', 'kube-proxy'],
  },
  'pki worker': {
    leaves: [
      { ...PKI, subject: `CN=system:node:${name}, O=system:nodes`, names: 'pki-worker', extended: both },
    ],
    kubeconfigs: ['/etc/kubernetes/kubelet.conf'],
    serviceAccount: undefined,
    units: ['kubelet', 'kube-proxy'],
  },
});

/** Compares by characters. */
export const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

const dns = (names: readonly string[]): string[] => names.map((one) => `DNS:${one}`);
const ips = (addresses: readonly string[]): string[] => addresses.map((one) => `IP Address:${one}`);

/** The alternative names of a node with the stand-in cloud's heat-params. */
export function expectedNames(kind: Leaf['names'], name: string, hostname: string): string[] {
  const master = [
    ...ips(['10.0.0.5', '172.24.4.10', '10.0.0.4', '127.0.0.1', '10.254.0.1']),
    ...dns([name, 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc']),
    ...dns(['kubernetes.default.svc.cluster.local']),
  ];
  const worker = [...ips(['10.0.0.6']), ...dns([name, hostname])];
  const lists = {
    master,
    'master-node': [...ips(['10.0.0.5']), ...dns([name, hostname])],
    'pki-master': master,
    worker,
    'pki-worker': [...worker, ...ips(['127.0.0.1'])],
    none: [],
  };
  return lists[kind].toSorted(byText);
}
