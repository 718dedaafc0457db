import { X509Certificate } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { clusterCa, clusterStatus, kubectl, type Node, nodeFile, nodes, onNode } from './magnum-cluster.ts';
import { startProbePod } from './probe-pod.ts';

/** The result of Magnum's own templates and CREATE scripts, on which the other tests of this folder depend. */

let all: Node[];
beforeAll(async () => {
  all = await nodes();
});

/** The units that Magnum's fragments write for a role. */
const UNITS = {
  master: ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy'],
  worker: ['kubelet', 'kube-proxy'],
} as const;

test('Magnum has created the cluster', async () => {
  expect(await clusterStatus()).toBe('CREATE_COMPLETE');
});

test('every node is Ready, as kubectl sees it through the load balancer', async () => {
  const columns =
    'jsonpath={range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {end}';
  const ready = (await kubectl(['get', 'nodes', '-o', columns])).trim().split(' ');
  expect(ready.sort()).toEqual(all.map(({ name }) => `${name}=True`).sort());
});

test('the units of each role are active', async () => {
  for (const node of all) {
    const active = await onNode(node, 'systemctl', 'is-active', ...UNITS[node.role]);
    expect(active.split('\n'), node.name).toEqual(UNITS[node.role].map(() => 'active'));
  }
});

test("the cluster's CA has signed a node's certificates", async () => {
  const ca = new X509Certificate(await clusterCa());
  for (const node of all) {
    const leaf = new X509Certificate(await nodeFile(node, '/etc/kubernetes/certs/kubelet.crt'));
    expect(leaf.verify(ca.publicKey), node.name).toBe(true);
  }
});

test('a pod runs on a worker, and its log and exec work through the API server', async () => {
  const pod = await startProbePod();
  try {
    expect(await pod.log()).toBe('started');
    expect(await pod.exec('cat', '/var/run/secrets/kubernetes.io/serviceaccount/namespace')).toBe('default');
  } finally {
    await pod.close();
  }
});
