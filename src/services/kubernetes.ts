import * as v from 'valibot';
import type { Patience, Retry } from '../base/retry.ts';
import { type AskApi, createCall, listAll, parsed } from './kubernetes-call.ts';
import { type Lease, leaseCalls } from './lease.ts';

/**
 * The few calls of the Kubernetes API that a rotation needs (https://kubernetes.io/docs/reference/kubernetes-api/):
 * workloads are listed and annotated, a lease says who does it, a config map which CA pods are given.
 */
export type Kubernetes = {
  /** Those of a namespace, or of all. */
  list(kind: WorkloadKind, namespace: string | undefined, abort: AbortSignal): Promise<Workload[]>;
  /** Annotates the pods that a workload makes, which makes it replace them. false: it is gone. */
  annotatePods(workload: Workload, name: string, value: string, abort: AbortSignal): Promise<boolean>;
  readLease(abort: AbortSignal): Promise<Lease | undefined>;
  /** Makes or replaces it. false: somebody else has changed it meanwhile. */
  writeLease(lease: Lease, abort: AbortSignal): Promise<boolean>;
  /** The CAs that the pods of a namespace are given, PEM; undefined where there is no such config map. */
  podsCa(namespace: string, abort: AbortSignal): Promise<string | undefined>;
};

/** An API server as this node knows it, and who asks; PEM. */
export type KubernetesAddress = {
  host: string;
  port: number;
  /** One or several. */
  ca: string;
  /** The SHA-256 of the one certificate that it presents; without one, any that names the host. */
  presents?: string;
  client: { cert: string; key: string };
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
    template: v.object({ metadata: v.optional(v.object({ annotations: Annotations })) }),
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

/** How long a lease holds: longer than anybody takes. */
export const LEASE_SECONDS = 3600;

/** Who restarts the workloads, and for which CA. */
const LEASE = 'coe-agent-workloads';

/** @param patience how long an API that is not there, or has too much to do, is asked again */
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
