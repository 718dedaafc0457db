import * as v from 'valibot';
import {
  type Answer,
  conflict,
  failure,
  immutable,
  notFound,
  type Resource,
  wrongMediaType,
} from './kubernetes-status.ts';

type Json = Record<string, unknown>;
type Stored = { namespace: string; name: string; version: number; object: Json };

/** Kinds by their plural: of the core group, and those that contain certificates. */
const KINDS: Readonly<Record<string, string>> = {
  validatingwebhookconfigurations: 'ValidatingWebhookConfiguration',
  mutatingwebhookconfigurations: 'MutatingWebhookConfiguration',
  apiservices: 'APIService',
  customresourcedefinitions: 'CustomResourceDefinition',
  certificatesigningrequests: 'CertificateSigningRequest',
  secrets: 'Secret',
  serviceaccounts: 'ServiceAccount',
  pods: 'Pod',
  configmaps: 'ConfigMap',
  endpoints: 'Endpoints',
  nodes: 'Node',
  events: 'Event',
};

/** Groups of the kinds outside of the core group. */
const GROUPS: Readonly<Record<string, string>> = {
  validatingwebhookconfigurations: 'admissionregistration.k8s.io',
  mutatingwebhookconfigurations: 'admissionregistration.k8s.io',
  apiservices: 'apiregistration.k8s.io',
  customresourcedefinitions: 'apiextensions.k8s.io',
  certificatesigningrequests: 'certificates.k8s.io',
};

/** Objects that are only stored, with merge patches (RFC 7386) and optimistic concurrency. */
export type CoreObjects = {
  put(kind: string, namespace: string, name: string, object: Json): void;
  remove(kind: string, namespace: string, name: string): void;
  find(kind: string, namespace: string, name: string): Json | undefined;
  all(kind: string): { namespace: string; name: string; object: Json }[];
  knows(resource: Pick<Resource, 'group' | 'kind'>): boolean;
  answer(verb: string, resource: Resource, namespace: string | undefined, asked: AskedOfCore): Answer;
};
export type AskedOfCore = { query: URLSearchParams; type: string | undefined; body: string };

const Patch = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown()));

const Named = v.looseObject({ name: v.optional(v.string()), generateName: v.optional(v.string(), '') });

const keyOf = (kind: string, namespace: string, name: string): string => `${kind}/${namespace}/${name}`;

export function createCoreObjects(): CoreObjects {
  const stored = new Map<string, Stored>();
  let version = 1000;

  const of = (kind: string): Stored[] =>
    [...stored].filter(([key]) => key.startsWith(`${kind}/`)).map(([, one]) => one);
  const shown = ({ namespace, name, version: resourceVersion, object }: Stored): Json => ({
    ...object,
    metadata: {
      ...v.parse(v.optional(v.looseObject({}), {}), object['metadata']),
      namespace,
      name,
      resourceVersion: String(resourceVersion),
    },
  });

  const core: CoreObjects = {
    put: (kind, namespace, name, object) => {
      version += 1;
      stored.set(keyOf(kind, namespace, name), { namespace, name, version, object });
    },
    remove: (kind, namespace, name) => {
      stored.delete(keyOf(kind, namespace, name));
    },
    find: (kind, namespace, name) => stored.get(keyOf(kind, namespace, name))?.object,
    all: (kind) => of(kind),
    knows: ({ group, kind }) => Object.hasOwn(KINDS, kind) && group === (GROUPS[kind] ?? ''),
    answer: (verb, resource, namespace, { query, type, body }) => {
      const kind = KINDS[resource.kind] ?? '';
      if (verb === 'list') {
        const items = of(resource.kind)
          .filter((one) => namespace === undefined || one.namespace === namespace)
          .map(shown)
          .filter((one) => isSelected(one, query.get('fieldSelector') ?? ''));
        const from = Number(query.get('continue') ?? '0');
        const to = from + (Number(query.get('limit') ?? '0') || items.length);
        const metadata = to < items.length ? { continue: String(to) } : {};
        const page = items.slice(from, to);
        return { status: 200, body: { kind: `${kind}List`, apiVersion: 'v1', metadata, items: page } };
      }
      if (verb === 'create') {
        const object = v.parse(Patch, body);
        const { name, generateName } = v.parse(Named, object['metadata']);
        const called = name ?? `${generateName}${(version + 1).toString(36).padStart(5, 'x')}`;
        core.put(resource.kind, namespace ?? '', called, object);
        const made = stored.get(keyOf(resource.kind, namespace ?? '', called));
        return { status: 201, body: { kind, apiVersion: 'v1', ...(made && shown(made)) } };
      }
      const found = stored.get(keyOf(resource.kind, namespace ?? '', resource.name ?? ''));
      if (!found) return notFound(resource);
      if (verb === 'patch') {
        if (type !== 'application/merge-patch+json') return wrongMediaType();
        const patch = v.safeParse(Patch, body);
        if (!patch.success) return failure(400, 'BadRequest', 'the patch is no JSON object');
        const { resourceVersion, ...metadata } = v.parse(
          v.optional(v.looseObject({ resourceVersion: v.optional(v.string()) }), {}),
          patch.output['metadata'],
        );
        if (resourceVersion !== undefined && resourceVersion !== String(found.version))
          return conflict(resource);
        if (found.object['immutable'] === true && patch.output['data'] !== undefined)
          return immutable(resource);
        version += 1;
        found.version = version;
        found.object = merged(found.object, { ...patch.output, metadata });
      }
      return { status: 200, body: { kind, apiVersion: 'v1', ...shown(found) } };
    },
  };
  return core;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function merged(target: Json, patch: Json): Json {
  const result = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    const now = result[key];
    if (value === null) delete result[key];
    else if (isObject(value)) result[key] = merged(isObject(now) ? now : {}, value);
    else result[key] = value;
  }
  return result;
}

/** Matches a selector: `a.b=c,d!=e`. */
function isSelected(object: Json, selector: string): boolean {
  return selector
    .split(',')
    .filter((term) => term !== '')
    .every((term) => {
      const [, path = '', not = '', wanted = ''] = /^([\w.]+)(!?)=(.*)$/.exec(term) ?? [];
      let value: unknown = object;
      for (const part of path.split('.')) value = isObject(value) ? value[part] : undefined;
      return (value === wanted) !== (not === '!');
    });
}
