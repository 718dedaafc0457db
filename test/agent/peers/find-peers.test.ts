import { expect, test } from 'vitest';
import { peersIn } from '../../../agent/peers/find-peers.ts';

const node = (name: string, host: string, isMaster: boolean) => ({
  name,
  isMaster,
  isReady: true,
  kubelet: { host, port: 10_250 },
  annotations: {},
});
const NODES = [node('m0', '10.0.0.5', true), node('m1', '10.0.0.6', true), node('w0', '10.0.0.7', false)];
const APIS = ['10.0.0.5', '10.0.0.6'].map((host) => ({ host, port: 6443 }));
const MEMBERS = ['5', '6'].map((last, index) => ({
  name: `m${index}`,
  peer: `https://10.0.0.${last}:2380`,
  client: `https://10.0.0.${last}:2379`,
}));
const LISTED = { nodes: NODES, apis: APIS, members: MEMBERS };

const kubelet = (host: string) => ({ host, port: 10_250, path: '/healthz', ca: 'kubernetes' });
const api = (host: string) => ({ host, port: 6443, path: '/api', ca: 'kubernetes' });

test("finds all other nodes as a master's peers, with each of their ports", () => {
  expect(peersIn(LISTED, true, new Set(['m0', '10.0.0.5']))).toEqual([
    {
      name: 'm1',
      isMaster: true,
      ports: [
        kubelet('10.0.0.6'),
        api('10.0.0.6'),
        { host: '10.0.0.6', port: 2380, path: '/members', ca: 'etcd' },
      ],
    },
    { name: 'w0', isMaster: false, ports: [kubelet('10.0.0.7')] },
  ]);
});

test("finds the API servers as a worker's peers, each once", () => {
  const listed = { nodes: [], apis: [...APIS, ...APIS], members: [] };
  expect(peersIn(listed, false, new Set(['w0']))).toEqual(
    ['10.0.0.5', '10.0.0.6'].map((host) => ({ name: host, isMaster: true, ports: [api(host)] })),
  );
});

test('includes an etcd member that the Kubernetes API does not list as a master', () => {
  expect(peersIn({ nodes: [], apis: [], members: MEMBERS }, true, new Set(['m0', '10.0.0.5']))).toEqual([
    {
      name: 'm1',
      isMaster: true,
      ports: [{ host: '10.0.0.6', port: 2380, path: '/members', ca: 'etcd' }],
    },
  ]);
});
