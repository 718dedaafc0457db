import type { FileRow, Layout, RoleLayout } from '../layout.ts';

/**
 * The files that Magnum's make-cert.py creates on every node of a Docker Swarm cluster, for both drivers: one
 * certificate for dockerd, also used as a client certificate.
 */

const file = (name: string, mode: number): FileRow => ({
  path: `/etc/docker/${name}`,
  owner: 'root',
  group: 'root',
  mode,
  directoryMode: 0o755,
});

const node: RoleLayout = {
  authorities: [{ ca: 'kubernetes', file: file('ca.crt', 0o644) }],
  certificates: [
    {
      name: 'server',
      ca: 'kubernetes',
      subject: [['CN', 'swarm.invalid']],
      names: ['{SWARM_NODE_IP}', '{SWARM_API_IP}', '127.0.0.1', '{PUBLIC_IPV4}', '{API_IP_ADDRESS}'],
      keyUsage: [],
      extendedKeyUsage: ['clientAuth', 'serverAuth'],
      files: { certificate: file('server.crt', 0o644), key: file('server.key', 0o600) },
    },
  ],
  serviceAccount: undefined,
  kubeconfigs: [],
  units: [
    // The masters of the first driver store the swarm's members in an etcd that serves with dockerd's certificate.
    {
      unit: 'etcd',
      required: false,
      probe: { host: '{SWARM_NODE_IP|127.0.0.1}', port: '2379', presents: 'server' },
      health: undefined,
    },
    // With both drivers, dockerd serves TLS on 2375. The swarm-manager and swarm-agent of the first driver require its
    // unit, so systemd restarts them with it. Those of the second would join the swarm again and must not be restarted.
    {
      unit: 'docker',
      required: true,
      probe: { host: '127.0.0.1', port: '2375', presents: 'server' },
      health: { url: 'https://127.0.0.1:2375/_ping', as: 'server' },
    },
  ],
  revocationLists: [{ ca: 'kubernetes', file: file('client.crl', 0o644), unit: 'etcd', reader: 'etcd' }],
  // The volume driver, if the node has one; it reads its configuration at its start.
  credentials: [{ file: '/etc/rexray/config.yml', format: 'yaml', units: ['rexray'] }],
};

export const swarm: Layout = {
  name: 'swarm',
  description: "make-cert.py's files in /etc/docker",
  evidence: { params: ['SWARM_NODE_IP'], files: ['/etc/docker/server.crt'] },
  limits: [],
  roles: { master: node, worker: node },
};
