import { systemClock } from '../../src/base/clock.ts';
import { createRetry } from '../../src/base/retry.ts';
import type { AskApi } from '../../src/services/kubernetes-call.ts';
import { type DeletedPod, listDeletedPods } from '../../src/services/deleted-pods.ts';
import { createKubernetes, type Kubernetes, type Workload } from '../../src/services/kubernetes.ts';
import { createKubernetesObjects, type KubernetesObjects } from '../../src/services/kubernetes-objects.ts';
import { createKubernetesTrust, type KubernetesTrust } from '../../src/services/kubernetes-trust.ts';
import { createNodeAnnotations, type NodeAnnotations } from '../../src/services/node-annotations.ts';
import { createNodeEvents, type NodeEvents } from '../../src/services/node-events.ts';
import { whyNotRolledOut } from '../../src/services/rolled-out.ts';
import { eventually } from '../scenarios/support/eventually.ts';
import type { Kind } from '../fakes/kubernetes-workloads.ts';
import { askPlainly, type PlainAsk } from './kubernetes-doors.ts';

/** An API server, with operations of a test on its cluster. */
export type KubernetesSubject = {
  /** Of the group system:masters. */
  admin: AskApi;
  /** A known user without any rights. */
  stranger: AskApi;
  /** The kubelet of the existing Node worker-0. */
  kubelet: AskApi;
  /** kube-proxy, by its certificate. */
  proxy: AskApi;
  /** Creates a workload with its namespace; its pods start. */
  add(kind: Kind, namespace: string, name: string, spec?: { replicas: number }): Promise<void>;
  /** Expires every continue token. */
  forgetPlaces(): Promise<void>;
  /** The CA that pods receive. */
  podsCa: string;
  /** The signing key of service-account tokens, PEM. */
  serviceAccountKey: string;
  /** Creates a Secret of the type kubernetes.io/service-account-token; its controller signs the token. */
  addLegacyToken(namespace: string, name: string): Promise<void>;
  /** Creates a service account; its controller makes a Secret with a token. */
  addAccount(namespace: string, name: string): Promise<void>;
  /** Whether the API server accepts a token. */
  accepts(token: string): Promise<boolean>;
  /** The host of the leading kube-controller-manager. */
  leader: string;
  /** Creates a pod that mounts a Secret and started at 2026-11-28T11:00:00Z. */
  addPod(namespace: string, name: string, secret: string, phase?: string): Promise<void>;
  /** Creates a pod of a Node, and deletes it with a grace period of 30 s; no kubelet ends it. */
  addDeletedPod(namespace: string, name: string, node: string): Promise<void>;
  /** Creates a Node without a kubelet. */
  addNode(name: string, labels: Readonly<Record<string, string>>): Promise<void>;
  /** Creates default/kubernetes. */
  addEndpoints(addresses: readonly string[], port: number): Promise<void>;
  close(): Promise<void>;
};

/** The subject of its certificate. */
export const KUBELET = [
  ['O', 'system:nodes'],
  ['CN', 'system:node:worker-0'],
] as const;
export const inShop = (kind: Kind): string => `/apis/apps/v1/namespaces/shop/${kind}`;
export const STRATEGIC = 'application/strategic-merge-patch+json';
export const annotation = (value: string) => ({
  spec: { template: { metadata: { annotations: { k: value } } } },
});

const PATIENCE = { baseMs: 10, capMs: 100, forMs: 5000 };
const ROLLED_OUT_MS = 60_000;

/** Helpers that the contract's tests share. */
export type KubernetesBench = {
  readonly subject: KubernetesSubject;
  ask: PlainAsk;
  /** The agent's own client. */
  client(through?: AskApi): Kubernetes;
  trust(through?: AskApi): KubernetesTrust;
  objects(through?: AskApi): KubernetesObjects;
  nodes(through?: AskApi): NodeAnnotations;
  /** Lists, as the kubelet of worker-0, pods that are being deleted. */
  deletedPods(node: string): Promise<DeletedPod[]>;
  /** As the kubelet of worker-0. */
  events(): NodeEvents;
  abort: AbortSignal;
  workload(kind: Kind, namespace: string, name: string): Promise<Workload>;
  /** Waits until the agent considers a workload as rolled out. */
  rolledOut(kind: Kind, namespace: string, name: string): Promise<void>;
};

export function createKubernetesBench(subject: () => KubernetesSubject): KubernetesBench {
  const retry = createRetry({ clock: systemClock, random: Math.random, onRetry: () => undefined });
  const { signal: abort } = new AbortController();
  const bench: KubernetesBench = {
    get subject() {
      return subject();
    },
    ask: async (...asked) => await askPlainly(subject().admin)(...asked),
    client: (through = subject().admin) => createKubernetes(through, retry, PATIENCE),
    trust: (through = subject().admin) => createKubernetesTrust(through, retry, PATIENCE),
    objects: (through = subject().admin) => createKubernetesObjects(through, retry, PATIENCE),
    nodes: (through = subject().admin) => createNodeAnnotations(through, retry, PATIENCE),
    deletedPods: async (node) => await listDeletedPods(subject().kubelet, node, retry, PATIENCE, abort),
    events: () => createNodeEvents(subject().kubelet, retry, PATIENCE),
    abort,
    workload: async (kind, namespace, name) => {
      const all = await bench.client().list(kind, namespace, abort);
      const found = all.find(({ metadata }) => metadata.name === name);
      if (!found) throw new Error(`no ${kind} ${namespace}/${name}`);
      return found;
    },
    rolledOut: async (kind, namespace, name) => {
      const isThere = async () => whyNotRolledOut(await bench.workload(kind, namespace, name)) === undefined;
      await eventually(`${kind} ${namespace}/${name} is rolled out`, isThere, ROLLED_OUT_MS);
    },
  };
  return bench;
}
