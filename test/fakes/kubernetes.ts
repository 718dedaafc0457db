import type { IncomingMessage, RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import { TLSSocket } from 'node:tls';
import * as v from 'valibot';

type Kind = 'deployments' | 'daemonsets' | 'statefulsets';
type Json = Record<string, unknown>;

/** A workload as the API server keeps it. */
type Stored = {
  kind: Kind;
  namespace: string;
  name: string;
  generation: number;
  spec: Json;
  annotations: Record<string, string>;
  status: Json;
};

export type Answer = { status: number; headers?: Record<string, string>; body?: unknown };
/** Whoever asked shows `client`, the O and CN of its certificate. */
export type Asked = { method: string; path: string; client: string; body: string };

/**
 * A Kubernetes API server that knows the few calls of a re-roll: lists in pages, strategic merge patches of a pod
 * template, a lease with optimistic concurrency, a config map. Its shapes are those of a real one
 * (https://kubernetes.io/docs/reference/kubernetes-api/).
 */
export type Kubernetes = {
  listener: RequestListener;
  readonly asked: readonly Asked[];
  add(kind: Kind, namespace: string, name: string, spec?: Json): void;
  /** The pods' annotations of a workload. */
  annotations(namespace: string, name: string): Record<string, string>;
  /** How often a workload has been patched. */
  generation(namespace: string, name: string): number;
  /** Workloads of this name never get their new pods. */
  stick(name: string): void;
  /** What the cluster gives its pods; undefined: it has no such config map. */
  podsCa: string | undefined;
  lease: { holder: string; annotations: Record<string, string>; renewTime: string } | undefined;
  /** Answers in place of the server, as long as it gives an answer. */
  instead: (asked: Asked) => Answer | undefined;
};

const PAGE = 2;
const Patch = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    spec: v.object({
      template: v.object({ metadata: v.object({ annotations: v.record(v.string(), v.string()) }) }),
    }),
  }),
);
const LeaseBody = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    apiVersion: v.literal('coordination.k8s.io/v1'),
    kind: v.literal('Lease'),
    metadata: v.object({
      name: v.string(),
      resourceVersion: v.optional(v.string()),
      annotations: v.record(v.string(), v.string()),
    }),
    spec: v.object({
      holderIdentity: v.string(),
      leaseDurationSeconds: v.pipe(v.number(), v.integer()),
      renewTime: v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/, 'no MicroTime')),
    }),
  }),
);

export function createKubernetes(): Kubernetes {
  const workloads = new Map<string, Stored>();
  const stuck = new Set<string>();
  const asked: Asked[] = [];
  let leaseVersion = 0;

  const find = (namespace: string, name: string): Stored => {
    const found = [...workloads.values()].find((one) => one.namespace === namespace && one.name === name);
    if (!found) throw new Error(`no workload ${namespace}/${name}`);
    return found;
  };

  const rolledOut = ({ kind, generation, spec }: Stored): Json => {
    const replicas = spec['replicas'] ?? 1;
    return kind === 'daemonsets'
      ? {
          observedGeneration: generation,
          currentNumberScheduled: 3,
          numberMisscheduled: 0,
          desiredNumberScheduled: 3,
          numberReady: 3,
          updatedNumberScheduled: 3,
          numberAvailable: 3,
        }
      : {
          observedGeneration: generation,
          replicas,
          updatedReplicas: replicas,
          readyReplicas: replicas,
          availableReplicas: replicas,
        };
  };

  const shown = (one: Stored): Json => ({
    metadata: {
      name: one.name,
      namespace: one.namespace,
      uid: `uid-${one.name}`,
      resourceVersion: '4711',
      generation: one.generation,
      creationTimestamp: '2026-01-01T00:00:00Z',
      managedFields: [{ manager: 'kubectl', operation: 'Update' }],
    },
    spec: {
      ...one.spec,
      selector: { matchLabels: { app: one.name } },
      template: {
        metadata: {
          creationTimestamp: null,
          ...(Object.keys(one.annotations).length > 0 ? { annotations: one.annotations } : {}),
        },
        spec: { containers: [{ name: one.name, image: 'registry.invalid/x' }] },
      },
    },
    status: one.status,
  });

  const list = (kind: Kind, namespace: string | undefined, query: URLSearchParams): Answer => {
    const all = [...workloads.values()].filter(
      (one) => one.kind === kind && (namespace === undefined || one.namespace === namespace),
    );
    const from = Number(query.get('continue') ?? '0');
    const size = query.has('limit') ? PAGE : all.length;
    const next = from + size < all.length ? String(from + size) : '';
    const items = all.slice(from, from + size).map(shown);
    const metadata = { resourceVersion: '4711', ...(next === '' ? {} : { continue: next }) };
    return { status: 200, body: { kind: 'List', apiVersion: 'apps/v1', metadata, items } };
  };

  const patch = (
    kind: string,
    namespace: string,
    name: string,
    request: IncomingMessage,
    body: string,
  ): Answer => {
    const one = workloads.get(`${kind}/${namespace}/${name}`);
    if (!one) return notFound(`${kind}.apps "${name}"`);
    if (request.headers['content-type'] !== 'application/strategic-merge-patch+json')
      return failure(415, 'UnsupportedMediaType', 'the body of the request was in an unknown format');
    const { annotations } = v.parse(Patch, body).spec.template.metadata;
    const next = { ...one.annotations, ...annotations };
    if (JSON.stringify(next) !== JSON.stringify(one.annotations)) {
      one.annotations = next;
      one.generation += 1;
      if (!stuck.has(name)) one.status = rolledOut(one);
    }
    return { status: 200, body: { kind: 'Deployment', apiVersion: 'apps/v1', ...shown(one) } };
  };

  const lease = (method: string, body: string): Answer => {
    const shownLease = (): Json => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: 'coe-agent-workloads',
        namespace: 'kube-system',
        resourceVersion: String(leaseVersion),
        annotations: fake.lease?.annotations,
      },
      spec: {
        holderIdentity: fake.lease?.holder,
        leaseDurationSeconds: 3600,
        renewTime: fake.lease?.renewTime,
      },
    });
    if (method === 'GET')
      return fake.lease ? { status: 200, body: shownLease() } : notFound('leases "coe-agent-workloads"');
    const { metadata, spec } = v.parse(LeaseBody, body);
    const isNew = method === 'POST';
    if (isNew && fake.lease)
      return failure(409, 'AlreadyExists', 'leases "coe-agent-workloads" already exists');
    if (!isNew && metadata.resourceVersion !== String(leaseVersion))
      return failure(
        409,
        'Conflict',
        'the object has been modified; please apply your changes to the latest version',
      );
    leaseVersion += 1;
    fake.lease = {
      holder: spec.holderIdentity,
      annotations: metadata.annotations,
      renewTime: spec.renewTime,
    };
    return { status: isNew ? 201 : 200, body: shownLease() };
  };

  const answer = (request: IncomingMessage, { method, path, body, client }: Asked): Answer => {
    if (!client.includes('system:masters'))
      return failure(403, 'Forbidden', `User "${client}" cannot do this in the API group "apps"`);
    const url = new URL(path, 'https://api');
    const [, group, , version, ...rest] = url.pathname.split('/');
    if (url.pathname.startsWith('/apis/coordination.k8s.io/v1/namespaces/kube-system/leases'))
      return lease(method, body);
    if (group === 'api' && url.pathname.endsWith('/configmaps/kube-root-ca.crt'))
      return fake.podsCa === undefined
        ? notFound('configmaps "kube-root-ca.crt"')
        : { status: 200, body: { kind: 'ConfigMap', apiVersion: 'v1', data: { 'ca.crt': fake.podsCa } } };
    if (version !== 'v1') return notFound(path);
    const [first, namespace = '', kind = '', name = ''] = rest;
    const isOne = first === 'namespaces' && name !== '';
    if (isOne && method === 'PATCH') return patch(kind, namespace, name, request, body);
    const wanted = v.parse(
      v.picklist(['deployments', 'daemonsets', 'statefulsets']),
      first === 'namespaces' ? kind : first,
    );
    return list(wanted, first === 'namespaces' ? namespace : undefined, url.searchParams);
  };

  const respond = async (request: IncomingMessage): Promise<Answer> => {
    const { method = '', url: path = '', socket } = request;
    const peer = socket instanceof TLSSocket ? socket.getPeerCertificate().subject : undefined;
    const client = [peer?.O, peer?.CN].flat().filter(Boolean).join(' ');
    const one = { method, path, client, body: await text(request) };
    asked.push(one);
    return fake.instead(one) ?? answer(request, one);
  };

  const fake: Kubernetes = {
    asked,
    podsCa: undefined,
    lease: undefined,
    instead: () => undefined,
    listener: (request, response) => {
      void respond(request).then(({ status, headers, body }) =>
        response
          .writeHead(status, { 'content-type': 'application/json', ...headers })
          .end(JSON.stringify(body ?? {})),
      );
    },
    add: (kind, namespace, name, spec = {}) => {
      const one: Stored = { kind, namespace, name, generation: 1, spec, annotations: {}, status: {} };
      one.status = rolledOut(one);
      workloads.set(`${kind}/${namespace}/${name}`, one);
    },
    annotations: (namespace, name) => find(namespace, name).annotations,
    generation: (namespace, name) => find(namespace, name).generation,
    stick: (name) => stuck.add(name),
  };
  return fake;
}

/** meta/v1 Status */
export const failure = (code: number, reason: string, message: string): Answer => ({
  status: code,
  body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code },
});
const notFound = (what: string): Answer => failure(404, 'NotFound', `${what} not found`);
