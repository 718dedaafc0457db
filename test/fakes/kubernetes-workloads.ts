import * as v from 'valibot';
import { type Answer, expired, failure, notFound, wrongMediaType } from './kubernetes-status.ts';

export type Kind = 'deployments' | 'daemonsets' | 'statefulsets';
type Json = Record<string, unknown>;

const NAME: Record<Kind, string> = {
  deployments: 'Deployment',
  daemonsets: 'DaemonSet',
  statefulsets: 'StatefulSet',
};
export const KINDS = ['deployments', 'daemonsets', 'statefulsets'] as const;

/** A workload, and its controller's progress with the last change. */
type Stored = {
  kind: Kind;
  namespace: string;
  name: string;
  generation: number;
  resourceVersion: number;
  spec: Json;
  podSpec: Json;
  annotations: Record<string, string>;
  stage: 'not looked at' | 'under way' | 'rolled out';
};

export type Workloads = {
  /** `podSpec`: the spec of its pods, over one with a single container. */
  add(kind: Kind, namespace: string, name: string, spec: Json, podSpec?: Json): void;
  find(namespace: string, name: string): Stored;
  /** Whether a namespace contains anything. */
  has(namespace: string | undefined): boolean;
  /** Stops the controller from handling a workload of this name. */
  stick(name: string): void;
  /** Expires every continue token, like etcd's compaction. */
  forget(): void;
  list(kind: Kind, namespace: string | undefined, query: URLSearchParams): Answer;
  patch(kind: Kind, namespace: string, name: string, type: string | undefined, body: string): Answer;
};

const Patch = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    spec: v.object({
      template: v.object({ metadata: v.object({ annotations: v.record(v.string(), v.string()) }) }),
    }),
  }),
);
const Token = v.pipe(
  v.string(),
  v.transform((text) => Buffer.from(text, 'base64url').toString('utf8')),
  v.parseJson(),
  v.object({ v: v.literal('meta.k8s.io/v1'), rv: v.number(), start: v.string() }),
);
const STRATEGIC = 'application/strategic-merge-patch+json';

export function createWorkloads(): Workloads {
  const all = new Map<string, Stored>();
  const stuck = new Set<string>();
  let version = 100;
  let oldest = 0;

  const placeOf = ({ namespace, name }: Stored): string => `${namespace}/${name}`;
  const tokenAt = (start: string): string =>
    Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: version, start })).toString('base64url');

  // Controllers need time: they advance by one stage per request.
  const passTime = (): void => {
    for (const one of all.values()) if (!stuck.has(one.name)) one.stage = NEXT[one.stage];
  };

  return {
    add: (kind, namespace, name, spec, pods = {}) => {
      version += 1;
      const podSpec = { containers: [{ name, image: 'registry.invalid/x' }], ...pods };
      const stored = { kind, namespace, name, spec, podSpec, generation: 1, resourceVersion: version };
      all.set(`${kind}/${namespace}/${name}`, { ...stored, annotations: {}, stage: 'rolled out' });
    },
    find: (namespace, name) => {
      const found = [...all.values()].find((one) => one.namespace === namespace && one.name === name);
      if (!found) throw new Error(`no workload ${namespace}/${name}`);
      return found;
    },
    has: (namespace) => [...all.values()].some((one) => one.namespace === namespace),
    stick: (name) => stuck.add(name),
    forget: () => {
      oldest = version + 1;
      version += 1;
    },

    list: (kind, namespace, query) => {
      const token = query.get('continue');
      const place = token === null ? undefined : v.safeParse(Token, token);
      if (place && !place.success) return failure(400, 'BadRequest', 'invalid continue token');
      const start = place?.output.start ?? '';
      if (place && place.output.rv < oldest) return expired(tokenAt(start));
      const left = [...all.values()]
        .filter((one) => one.kind === kind && (namespace === undefined || one.namespace === namespace))
        .filter((one) => placeOf(one) >= start)
        .toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
      const page = left.slice(0, Number(query.get('limit') ?? '0') || left.length);
      const rest = left.length - page.length;
      const last = page.at(-1);
      const metadata = {
        resourceVersion: String(version),
        ...(rest > 0 && last && { continue: tokenAt(`${placeOf(last)}\0`), remainingItemCount: rest }),
      };
      const items = page.map(shown);
      passTime();
      return { status: 200, body: { kind: `${NAME[kind]}List`, apiVersion: 'apps/v1', metadata, items } };
    },

    patch: (kind, namespace, name, type, body) => {
      const one = all.get(`${kind}/${namespace}/${name}`);
      if (!one) return notFound({ group: 'apps', kind, name });
      if (type !== STRATEGIC) return wrongMediaType();
      const annotations = { ...one.annotations, ...v.parse(Patch, body).spec.template.metadata.annotations };
      passTime();
      if (JSON.stringify(annotations) !== JSON.stringify(one.annotations)) {
        version += 1;
        Object.assign(one, { annotations, generation: one.generation + 1, resourceVersion: version });
        one.stage = 'not looked at';
      }
      return { status: 200, body: { kind: NAME[kind], apiVersion: 'apps/v1', ...shown(one) } };
    },
  };
}

const NEXT = { 'not looked at': 'under way', 'under way': 'rolled out', 'rolled out': 'rolled out' } as const;

/** An object without kind and apiVersion, as in a list. */
const shown = (one: Stored): Json => ({
  metadata: {
    name: one.name,
    namespace: one.namespace,
    uid: `uid-${one.name}`,
    resourceVersion: String(one.resourceVersion),
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
      spec: one.podSpec,
    },
  },
  status: statusOf(one),
});

const NODES = 3;

function statusOf({ kind, name, generation, spec, stage }: Stored): Json {
  const observedGeneration = stage === 'not looked at' ? generation - 1 : generation;
  const isUnderWay = stage === 'under way';
  if (kind === 'daemonsets')
    return {
      currentNumberScheduled: NODES,
      numberMisscheduled: 0,
      desiredNumberScheduled: NODES,
      numberReady: isUnderWay ? NODES - 1 : NODES,
      observedGeneration,
      ...withoutZeros({
        updatedNumberScheduled: isUnderWay ? 1 : NODES,
        numberAvailable: isUnderWay ? NODES - 1 : NODES,
        numberUnavailable: isUnderWay ? 1 : 0,
      }),
    };
  const wanted = typeof spec['replicas'] === 'number' ? spec['replicas'] : 1;
  const updatedReplicas = isUnderWay ? Math.min(1, wanted) : wanted;
  if (kind === 'statefulsets') {
    const revision = (number: number): string => `${name}-${number}`;
    const updateRevision = revision(observedGeneration);
    return {
      observedGeneration,
      ...withoutZeros({ replicas: wanted, readyReplicas: wanted - (isUnderWay ? updatedReplicas : 0) }),
      ...withoutZeros({ currentReplicas: isUnderWay ? wanted - updatedReplicas : wanted, updatedReplicas }),
      currentRevision: isUnderWay ? revision(generation - 1) : updateRevision,
      updateRevision,
      collisionCount: 0,
    };
  }
  const surplus = isUnderWay ? updatedReplicas : 0;
  return {
    observedGeneration,
    ...withoutZeros({ replicas: wanted + surplus, updatedReplicas, readyReplicas: wanted }),
    ...withoutZeros({ availableReplicas: wanted, unavailableReplicas: surplus }),
  };
}

/** Most numbers of a status are omitted if they are 0. */
const withoutZeros = (counts: Record<string, number>): Json =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
