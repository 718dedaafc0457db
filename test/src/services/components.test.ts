import { expect, test } from 'vitest';
import { listeningOf } from '../../../src/services/components.ts';
import { listeningIn, readStock } from '../support/stock.ts';

const asked = (program: string, flags: string, config?: unknown, environment: [string, string][] = []) =>
  listeningOf(program, { args: flags.split(' '), environment: new Map(environment) }, config);

test.each(['master-15', 'master-20'] as const)('reads where the units of a stock %s listen', (name) => {
  const units = listeningIn(readStock(name));
  expect(units.get('etcd')).toEqual({
    tls: { host: '10.0.0.5', port: 2379 },
    certificate: '/etc/etcd/certs/server.crt',
    health: { host: '10.0.0.5', port: 2379, isTls: true },
    peers: {
      host: '10.0.0.5',
      port: 2380,
      certificate: '/etc/etcd/certs/server.crt',
      key: '/etc/etcd/certs/server.key',
    },
  });
  expect(units.get('kube-apiserver')).toEqual({
    tls: { host: '127.0.0.1', port: 6443 },
    certificate: '/etc/kubernetes/certs/server.crt',
    health: { host: '127.0.0.1', port: 6443, isTls: true },
  });
  expect(units.get('kube-controller-manager')).toEqual({
    tls: 'none',
    certificate: undefined,
    health: 'none',
    kubeconfig: '/etc/kubernetes/admin.conf',
    lease: { namespace: 'kube-system', name: 'kube-controller-manager' },
  });
  expect(units.get('kube-scheduler')).toEqual({
    tls: { host: '127.0.0.1', port: 10_259 },
    certificate: undefined,
    health: { host: '127.0.0.1', port: 10_259, isTls: true },
    kubeconfig: '/etc/kubernetes/admin.conf',
    lease: { namespace: 'kube-system', name: 'kube-scheduler' },
  });
  expect(units.get('kubelet')).toEqual({
    tls: { host: '10.0.0.5', port: 10_250 },
    certificate: '/etc/kubernetes/certs/kubelet.crt',
    health: { host: '127.0.0.1', port: 10_248, isTls: false },
    kubeconfig: '/etc/kubernetes/kubelet-config.yaml',
  });
  expect(units.get('kube-proxy')).toEqual({
    tls: 'none',
    kubeconfig: '/etc/kubernetes/proxy-kubeconfig.yaml',
  });
});

test.each(['worker-15', 'worker-20'] as const)('reads where the units of a stock %s listen', (name) => {
  const units = listeningIn(readStock(name));
  expect(units.get('kubelet')).toMatchObject({
    tls: { host: '10.0.0.6', port: 10_250 },
    kubeconfig: '/etc/kubernetes/kubelet-config.yaml',
  });
  expect(units.get('kube-proxy')).toEqual({ tls: 'none', kubeconfig: '/etc/kubernetes/proxy-config.yaml' });
});

test('lets the last of repeated flags win', () => {
  expect(asked('kubelet', '--address=10.0.0.5 --port=10250 --address 10.0.0.7').tls).toEqual({
    host: '10.0.0.7',
    port: 10_250,
  });
});

test.each([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
  ['fd00::6', 'fd00::6'],
])('connects to a component that is bound to %s at %s', (bound, host) => {
  expect(asked('kube-apiserver', `--bind-address=${bound} --secure-port=8443`).tls).toEqual({
    host,
    port: 8443,
  });
});

test.each([
  ['kube-controller-manager', 10_257],
  ['kube-scheduler', 10_259],
])('knows the port of %s after 1.23, which has no --port', (program, port) => {
  expect(asked(program, '--kubeconfig=/x --tls-cert-file=/y.crt')).toMatchObject({
    tls: { host: '127.0.0.1', port },
    certificate: '/y.crt',
    health: { host: '127.0.0.1', port, isTls: true },
  });
});

test('recognizes components without leader election', () => {
  expect(asked('kube-scheduler', '--leader-elect=false').lease).toBeUndefined();
  expect(asked('kube-scheduler', '', { leaderElection: { leaderElect: false } }).lease).toBeUndefined();
  expect(
    asked('kube-scheduler', '', { leaderElection: { resourceName: 's2', resourceNamespace: 'n' } }).lease,
  ).toEqual({ namespace: 'n', name: 's2' });
});

test("reads a kubelet's configuration file, which its flags override", () => {
  const config = {
    address: '10.0.0.5',
    port: 10_260,
    tlsCertFile: '/var/lib/kubelet/pki/kubelet.crt',
    healthzPort: 0,
  };
  expect(asked('kubelet', '--config=/x --kubeconfig=/k', config)).toEqual({
    tls: { host: '10.0.0.5', port: 10_260 },
    certificate: '/var/lib/kubelet/pki/kubelet.crt',
    health: 'none',
    kubeconfig: '/k',
  });
  expect(asked('kubelet', '--config=/x --port=10250', config).tls).toEqual({
    host: '10.0.0.5',
    port: 10_250,
  });
});

test("reads kube-proxy's kubeconfig from its configuration file", () => {
  expect(asked('kube-proxy', '--config=/x', { clientConnection: { kubeconfig: '/k' } }).kubeconfig).toBe(
    '/k',
  );
});

test("reads etcd's addresses from flags and environment, or only from its configuration file", () => {
  const urls = 'http://127.0.0.1:2379,https://10.0.0.5:2379';
  const tls = { host: '10.0.0.5', port: 2379 };
  expect(asked('etcd', `--listen-client-urls=${urls} -cert-file=/s.crt`)).toMatchObject({
    tls,
    certificate: '/s.crt',
  });
  expect(asked('etcd', '', undefined, [['ETCD_LISTEN_CLIENT_URLS', urls]]).tls).toEqual(tls);
  const config = { 'listen-client-urls': 'http://127.0.0.1:2378' };
  expect(asked('etcd', `--config-file=/x --listen-client-urls=${urls}`, config)).toMatchObject({
    tls: 'none',
    health: { host: '127.0.0.1', port: 2378, isTls: false },
  });
});

test('reads the peer address of an etcd as kubeadm starts it, but not without TLS', () => {
  const tls = '--peer-cert-file=/p.crt --peer-key-file=/p.key';
  expect(asked('etcd', `--listen-peer-urls=https://10.0.0.5:2380 ${tls}`).peers).toEqual({
    host: '10.0.0.5',
    port: 2380,
    certificate: '/p.crt',
    key: '/p.key',
  });
  for (const flags of ['', tls, `--listen-peer-urls=http://10.0.0.5:2380 ${tls}`])
    expect(asked('etcd', flags).peers).toBeUndefined();
});

test('leaves an invalid port undefined', () => {
  expect(asked('kubelet', '--port=many').tls).toBeUndefined();
});
