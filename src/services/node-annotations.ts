import * as v from 'valibot';
import type { Patience, Retry } from '../base/retry.ts';
import { type AskApi, createCall, listAll, parsed } from './kubernetes-call.ts';

/**
 * Annotations of the agents on the Nodes of their cluster; their names begin with `coe-agent/`. A kubelet's certificate
 * may patch only its own Node (NodeRestriction), and since Kubernetes 1.32 may read only that. Members of
 * system:masters can forge annotations, so they help to find nodes and to wait, but prove nothing.
 */
export type NodeAnnotations = {
  /** Reads a Node; undefined if it does not exist. */
  read(node: string, abort: AbortSignal): Promise<NodeObject | undefined>;
  /** Sets annotations, removes those that are null, and keeps all others. Returns false if the Node does not exist. */
  write(node: string, changes: AnnotationChanges, abort: AbortSignal): Promise<boolean>;
  /** Lists every Node, sorted by name. */
  list(abort: AbortSignal): Promise<NodeObject[]>;
};

/** Names without the prefix `coe-agent/`. */
export type AnnotationChanges = Readonly<Record<string, string | null>>;

export type NodeObject = {
  name: string;
  isMaster: boolean;
  /** From the condition Ready, written by the node's kubelet or by the cluster's controllers. */
  isReady: boolean;
  /** Address of its kubelet; undefined if not published yet. */
  kubelet: { host: string; port: number } | undefined;
  /** The agents' annotations, names without `coe-agent/`. */
  annotations: Readonly<Record<string, string>>;
};

const PREFIX = 'coe-agent/';
const NODES = '/api/v1/nodes';
/**
 * Magnum's kubelets set their role label themselves (`--node-labels`). kubeadm sets one label since 1.20 and another
 * before.
 */
const isMaster = (labels: Readonly<Record<string, string>>): boolean =>
  labels['magnum.openstack.org/role'] === 'master' ||
  Object.hasOwn(labels, 'node-role.kubernetes.io/control-plane') ||
  Object.hasOwn(labels, 'node-role.kubernetes.io/master');

const texts = v.nullish(v.record(v.string(), v.string()));
const Item = v.object({
  metadata: v.object({
    namespace: v.optional(v.string(), ''),
    name: v.string(),
    labels: texts,
    annotations: texts,
  }),
  status: v.optional(
    v.object({
      conditions: v.nullish(v.array(v.object({ type: v.string(), status: v.string() })), []),
      addresses: v.nullish(v.array(v.object({ type: v.string(), address: v.string() })), []),
      daemonEndpoints: v.nullish(
        v.object({ kubeletEndpoint: v.nullish(v.object({ Port: v.optional(v.number(), 0) })) }),
      ),
    }),
    {},
  ),
});

/** @param patience how long to retry while the API is unavailable or overloaded */
export function createNodeAnnotations(ask: AskApi, retry: Retry, patience: Patience): NodeAnnotations {
  const call = createCall(ask, retry, patience);
  return {
    read: async (node, abort) => {
      const what = `reading the Node ${node}`;
      return await call({ what, method: 'GET', path: pathOf(node), abort }, [200, 404], (status, text) =>
        status === 404 ? undefined : objectOf(parsed(Item, text, what)),
      );
    },
    write: async (node, changes, abort) => {
      const annotations = Object.fromEntries(
        Object.entries(changes).map(([name, value]) => [`${PREFIX}${name}`, value]),
      );
      return await call(
        {
          what: `annotating the Node ${node}`,
          method: 'PATCH',
          path: `${pathOf(node)}?fieldManager=coe-agent`,
          body: { type: 'application/merge-patch+json', value: { metadata: { annotations } } },
          abort,
        },
        [200, 404],
        (status) => status === 200,
      );
    },
    list: async (abort) => {
      const items = await listAll(call, Item, NODES, {}, abort);
      return items.map(objectOf).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
  };
}

const pathOf = (node: string): string => `${NODES}/${encodeURIComponent(node)}`;

function objectOf({
  metadata: { name, labels, annotations },
  status,
}: v.InferOutput<typeof Item>): NodeObject {
  const own = Object.entries(annotations ?? {}).filter(([key]) => key.startsWith(PREFIX));
  const host = status.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  const port = status.daemonEndpoints?.kubeletEndpoint?.Port || 10_250;
  return {
    name,
    kubelet: host === undefined ? undefined : { host, port },
    isMaster: isMaster(labels ?? {}),
    isReady: status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false,
    annotations: Object.fromEntries(own.map(([key, value]) => [key.slice(PREFIX.length), value])),
  };
}
