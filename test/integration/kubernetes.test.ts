import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { openKubernetesWith } from '../../agent/compose/kubernetes.ts';
import { fingerprintOf, type Leaf } from '../cluster/authority.ts';
import { PORTS, type SmallNode } from '../cluster/components.ts';
import { kubernetesFolder } from '../cluster/programs.ts';
import { keepPodsReady } from '../cluster/ready-pods.ts';
import { type SmallCluster, startSmallCluster } from '../cluster/small-cluster.ts';
import { KUBELET, type KubernetesSubject } from '../contract/kubernetes-bench.ts';
import { kubernetesContract } from '../contract/kubernetes.contract.ts';
import { askPlainly, type PlainAsk } from '../contract/kubernetes-doors.ts';
import type { Kind } from '../fakes/kubernetes-workloads.ts';

const programs = kubernetesFolder();

/** Runs the stand-in's contract against a real etcd, kube-apiserver and kube-controller-manager. */
if (programs === undefined) test.skip('skipped without a real Kubernetes: scripts/kubernetes install');
else
  kubernetesContract('a real Kubernetes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'coe-kubernetes-'));
    const cluster = await startSmallCluster({
      programs,
      folder,
      components: ['etcd', 'kube-apiserver', 'kube-controller-manager'],
      // The only node is just an object, and stays ready without a kubelet.
      more: {
        'kube-controller-manager': ['--controllers=*,-nodelifecycle'],
        // As on Magnum's masters.
        'kube-apiserver': ['--enable-admission-plugins=NodeRestriction'],
      },
    });
    const subject = await subjectOf(cluster);
    return {
      ...subject,
      close: async () => {
        await subject.close();
        await cluster.close();
        await rm(folder, { recursive: true });
      },
    };
  });

async function subjectOf(cluster: SmallCluster): Promise<KubernetesSubject> {
  const [node] = cluster.nodes;
  if (!node) throw new Error('a cluster without a master');
  const open = (client: Leaf) =>
    openKubernetesWith(
      (http) => http,
      Date.now,
    )({
      host: node.address,
      port: PORTS.api,
      ca: cluster.cas.kubernetes.pem,
      presents: fingerprintOf(cluster.serving(node).cert),
      client,
    });
  const admin = open(cluster.admin);
  const stranger = open(cluster.cas.kubernetes.issue([['CN', 'stranger']]));
  const proxy = open(
    cluster.cas.kubernetes.issue([
      ['O', 'system:node-proxier'],
      ['CN', 'system:kube-proxy'],
    ]),
  );
  const kubelet = open(cluster.cas.kubernetes.issue(KUBELET));
  const ask = askPlainly(admin.ask);
  const stop = new AbortController();
  await addNode(ask);
  const pods = keepPodsReady(ask, stop.signal);
  return {
    admin: admin.ask,
    stranger: stranger.ask,
    proxy: proxy.ask,
    kubelet: kubelet.ask,
    addNode: async (name, labels) =>
      await make(ask, '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } }),
    podsCa: cluster.cas.kubernetes.pem,
    serviceAccountKey: await readFile(join(node.folder, 'service_account_private.key'), 'utf8'),
    addLegacyToken: async (namespace, name) =>
      await make(ask, `/api/v1/namespaces/${namespace}/secrets`, {
        apiVersion: 'v1',
        kind: 'Secret',
        type: 'kubernetes.io/service-account-token',
        metadata: { name, annotations: { 'kubernetes.io/service-account.name': 'default' } },
      }),
    addAccount: async (namespace, name) =>
      await make(ask, `/api/v1/namespaces/${namespace}/serviceaccounts`, {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name },
      }),
    accepts: async (token) => {
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } };
      const { body } = await ask('POST', '/apis/authentication.k8s.io/v1/tokenreviews', review);
      return typeof body.status === 'object' && body.status['authenticated'] === true;
    },
    leader: hostname(),
    addPod: async (namespace, name, secret, phase = 'Running') => {
      const path = `/api/v1/namespaces/${namespace}/pods`;
      await make(ask, path, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name },
        spec: {
          containers: [{ name: 'main', image: 'registry.invalid/x' }],
          volumes: [{ name: 'token', secret: { secretName: secret } }],
        },
      });
      const status = { phase, startTime: '2026-11-28T11:00:00Z' };
      await ask('PATCH', `${path}/${name}/status`, { status }, 'application/merge-patch+json');
    },
    addDeletedPod: async (namespace, name, nodeName) => {
      const path = `/api/v1/namespaces/${namespace}/pods`;
      await make(ask, path, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name },
        spec: { nodeName, containers: [{ name: 'main', image: 'registry.invalid/x' }] },
      });
      await make(ask, `${path}/${name}/eviction`, {
        apiVersion: 'policy/v1beta1',
        kind: 'Eviction',
        metadata: { name, namespace },
      });
    },
    addEndpoints: async (addresses, port) =>
      await make(ask, '/api/v1/namespaces/default/endpoints', {
        apiVersion: 'v1',
        kind: 'Endpoints',
        metadata: { name: 'kubernetes' },
        subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ name: 'https', port }] }],
      }),
    add: async (kind, namespace, name, spec) => await add(ask, kind, namespace, name, spec),
    forgetPlaces: async () => await compact(node, ask),
    close: async () => {
      stop.abort();
      await pods;
      admin.close();
      stranger.close();
      proxy.close();
      kubelet.close();
    },
  };
}

/** Makes a node for the DaemonSet's pods; it gets its taint when it is made. */
async function addNode(ask: PlainAsk): Promise<void> {
  await ask('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'worker-0' } });
  const merge = 'application/merge-patch+json';
  await ask('PATCH', '/api/v1/nodes/worker-0', { spec: { taints: null } }, merge);
}

async function make(ask: PlainAsk, path: string, object: unknown): Promise<void> {
  const { status, body } = await ask('POST', path, object);
  if (status !== 201) throw new Error(`making ${path}: ${status} ${body.message}`);
}

const OBJECT: Record<Kind, string> = {
  deployments: 'Deployment',
  daemonsets: 'DaemonSet',
  statefulsets: 'StatefulSet',
};

async function add(
  ask: PlainAsk,
  kind: Kind,
  namespace: string,
  name: string,
  spec: { replicas?: number } = {},
): Promise<void> {
  await ask('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
  });
  const labels = { app: name };
  const { status, body } = await ask('POST', `/apis/apps/v1/namespaces/${namespace}/${kind}`, {
    apiVersion: 'apps/v1',
    kind: OBJECT[kind],
    metadata: { name },
    spec: {
      ...spec,
      ...(kind === 'statefulsets' && { serviceName: name }),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'main', image: 'registry.invalid/x' }] },
      },
    },
  });
  if (status !== 201) throw new Error(`making ${kind} ${namespace}/${name}: ${status} ${body.message}`);
}

/** Removes every revision but the last from etcd, as etcd itself does after five minutes. */
async function compact({ address }: SmallNode, ask: PlainAsk): Promise<void> {
  // A new revision: the one that a token names must not be the last.
  await ask(
    'PATCH',
    '/api/v1/nodes/worker-0',
    { metadata: { labels: { now: String(Date.now()) } } },
    'application/merge-patch+json',
  );
  const { body } = await ask('GET', '/api/v1/nodes');
  const revision = body.metadata?.resourceVersion;
  const answer = await fetch(`http://${address}:${PORTS.etcdPlain}/v3/kv/compaction`, {
    method: 'POST',
    body: JSON.stringify({ revision }),
  });
  if (!answer.ok) throw new Error(`compacting etcd: ${await answer.text()}`);
}
