import type { FileRow, Layout, RoleLayout } from '../layout.ts';

/**
 * What Magnum's make-cert.py makes on every node of a Docker Swarm cluster, of the first driver and of the second:
 * one certificate for dockerd, which is a client's as well.
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
    // The masters of the first driver keep the swarm's members in an etcd that serves with dockerd's certificate.
    {
      unit: 'etcd',
      required: false,
      probe: { host: '{SWARM_NODE_IP|127.0.0.1}', port: '2379', presents: 'server' },
      health: undefined,
    },
    // Both drivers let dockerd speak TLS on 2375. The first one's swarm-manager and swarm-agent require its unit, so
    // systemd restarts them with it; the second one's would join the swarm once more and must be left alone.
    {
      unit: 'docker',
      required: true,
      probe: { host: '127.0.0.1', port: '2375', presents: 'server' },
      health: { url: 'https://127.0.0.1:2375/_ping', as: 'server' },
    },
  ],
  revocationLists: [{ ca: 'kubernetes', file: file('client.crl', 0o644), unit: 'etcd', reader: 'etcd' }],
  // The volume driver of a node that has one; it reads its configuration when it starts.
  credentials: [{ file: '/etc/rexray/config.yml', format: 'yaml', units: ['rexray'] }],
};

export const swarm: Layout = {
  name: 'swarm',
  description: "make-cert.py's files in /etc/docker",
  evidence: { params: ['SWARM_NODE_IP'], files: ['/etc/docker/server.crt'] },
  limits: [],
  roles: { master: node, worker: node },
};
