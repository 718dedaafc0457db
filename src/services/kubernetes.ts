import * as v from 'valibot';
import type { Patience, Retry } from '../base/retry.ts';
import { type AskApi, createCall, listAll, parsed } from './kubernetes-call.ts';
import { type Lease, leaseCalls } from './lease.ts';
import { PodSpec } from './pod-spec.ts';

/**
 * The few calls of the Kubernetes API that a rotation needs (https://kubernetes.io/docs/reference/kubernetes-api/):
 * list and annotate workloads, hold a lease, and read the CA given to pods.
 */
export type Kubernetes = {
  /** Lists the workloads of one namespace, or of all. */
  list(kind: WorkloadKind, namespace: string | undefined, abort: AbortSignal): Promise<Workload[]>;
  /** Annotates a workload's pod template, which replaces its pods. Returns false if the workload is gone. */
  annotatePods(workload: Workload, name: string, value: string, abort: AbortSignal): Promise<boolean>;
  readLease(abort: AbortSignal): Promise<Lease | undefined>;
  /** Creates or replaces the lease. Returns false if it has changed meanwhile. */
  writeLease(lease: Lease, abort: AbortSignal): Promise<boolean>;
  /** Reads the CAs given to the pods of a namespace, PEM; undefined if the config map does not exist. */
  podsCa(namespace: string, abort: AbortSignal): Promise<string | undefined>;
};

/** An API server as this node knows it, and the client identity; PEM. */
export type KubernetesAddress = {
  host: string;
  port: number;
  /** One or several CA certificates. */
  ca: string;
  /** SHA-256 of the only certificate accepted from the server; if undefined, any certificate that names the host. */
  presents?: string;
  client?: { cert: string; key: string } | undefined;
  /** A bearer token, sent as well as the certificate. */
  token?: string | undefined;
};

export const WORKLOAD_KINDS = ['deployments', 'daemonsets', 'statefulsets'] as const;
export type WorkloadKind = (typeof WORKLOAD_KINDS)[number];

const count = v.optional(v.number());
const Annotations = v.nullish(v.record(v.string(), v.string()));
const Item = v.object({
  metadata: v.object({ namespace: v.string(), name: v.string(), generation: v.optional(v.number(), 0) }),
  spec: v.object({
    replicas: count,
    paused: v.optional(v.boolean(), false),
    updateStrategy: v.optional(
      v.object({
        type: v.optional(v.string()),
        rollingUpdate: v.nullish(v.object({ partition: v.optional(v.number(), 0) })),
      }),
    ),
    template: v.object({
      metadata: v.optional(v.object({ annotations: Annotations })),
      spec: v.optional(PodSpec),
    }),
  }),
  status: v.optional(
    v.object({
      observedGeneration: count,
      replicas: count,
      updatedReplicas: count,
      availableReplicas: count,
      readyReplicas: count,
      desiredNumberScheduled: count,
      updatedNumberScheduled: count,
      numberAvailable: count,
    }),
    {},
  ),
});
export type Workload = { kind: WorkloadKind } & v.InferOutput<typeof Item>;

const ConfigMap = v.object({ data: v.nullish(v.record(v.string(), v.string())) });

/** How long a lease is valid: longer than any restart takes. */
export const LEASE_SECONDS = 3600;

/** The lease that tells which node restarts the workloads, and for which CA. */
const LEASE = 'coe-agent-workloads';

/** @param patience how long to retry while the API is unavailable or overloaded */
export function createKubernetes(ask: AskApi, retry: Retry, patience: Patience): Kubernetes {
  const call = createCall(ask, retry, patience);
  const lease = leaseCalls(call, LEASE, LEASE_SECONDS);
  return {
    list: async (kind, namespace, abort) => {
      const path = `/apis/apps/v1${namespace === undefined ? '' : `/namespaces/${namespace}`}/${kind}`;
      const items = await listAll(call, Item, path, {}, abort);
      return items.map((item) => ({ kind, ...item }));
    },

    annotatePods: async ({ kind, metadata: { namespace, name } }, annotation, value, abort) =>
      await call(
        {
          what: `restarting the pods of ${kind} ${namespace}/${name}`,
          method: 'PATCH',
          path: `/apis/apps/v1/namespaces/${namespace}/${kind}/${name}?fieldManager=coe-agent`,
          body: {
            type: 'application/strategic-merge-patch+json',
            value: { spec: { template: { metadata: { annotations: { [annotation]: value } } } } },
          },
          abort,
        },
        [200, 404],
        (status) => status === 200,
      ),

    readLease: lease.read,
    writeLease: lease.write,

    podsCa: async (namespace, abort) => {
      const what = `reading the CA of the pods of ${namespace}`;
      const path = `/api/v1/namespaces/${namespace}/configmaps/kube-root-ca.crt`;
      return await call({ what, method: 'GET', path, abort }, [200, 404], (status, text) =>
        status === 404 ? undefined : (parsed(ConfigMap, text, what).data?.['ca.crt'] ?? ''),
      );
    },
  };
}
