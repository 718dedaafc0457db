import type { UnitSections } from './machine.ts';

export const ETCD_CERTS = '/etc/etcd/certs';

const filesOf = (prefix: string): string[] => [
  `--${prefix}cert-file=${ETCD_CERTS}/server.crt`,
  `--${prefix}key-file=${ETCD_CERTS}/server.key`,
  `--${prefix}trusted-ca-file=${ETCD_CERTS}/ca.crt`,
  `--${prefix}client-cert-auth`,
];

/** etcd as Magnum runs it: the same files for clients and peers, which both need a certificate. */
export const etcdUnit = (clients: number, peers: number): UnitSections => {
  const options = [
    '--data-dir=/var/lib/etcd/default.etcd',
    `--listen-client-urls=https://127.0.0.1:${clients}`,
    `--advertise-client-urls=https://127.0.0.1:${clients}`,
    `--listen-peer-urls=https://127.0.0.1:${peers}`,
    `--initial-advertise-peer-urls=https://127.0.0.1:${peers}`,
    `--initial-cluster=default=https://127.0.0.1:${peers}`,
    ...filesOf(''),
    ...filesOf('peer-'),
  ];
  return {
    Service: ['Type=notify', 'User=etcd', 'Restart=always', `ExecStart=/usr/bin/etcd ${options.join(' ')}`],
  };
};
