import type { KeyObject } from 'node:crypto';
import type { IncomingMessage, RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import { TLSSocket } from 'node:tls';
import * as v from 'valibot';
import type { AskApi } from '../../src/services/kubernetes-call.ts';
import { type CoreObjects, createCoreObjects } from './kubernetes-core.ts';
import { createLease, LEASE, type StoredLease } from './kubernetes-lease.ts';
import {
  type Answer,
  forbidden,
  noSuchResource,
  notFound,
  otherNode,
  type Resource,
  unauthorized,
} from './kubernetes-status.ts';
import { legacySecret, signTokens } from './kubernetes-tokens.ts';
import { createWorkloads, type Kind, KINDS } from './kubernetes-workloads.ts';

/** A request; `client` contains O and CN of the client's certificate. */
export type Asked = { method: string; path: string; client: string; body: string };

/**
 * A Kubernetes API server with the few calls of a re-roll: lists in pages, strategic merge patches of a pod template, a
 * lease with optimistic concurrency, a config map. test/contract tests a real one (1.20) in the same way.
 */
export type Kubernetes = {
  listener: RequestListener;
  /** The same server without a connection, called by a user of this group. */
  askAs(group: string, user?: string): AskApi;
  readonly asked: readonly Asked[];
  add(
    kind: Kind,
    namespace: string,
    name: string,
    spec?: Record<string, unknown>,
    podSpec?: Record<string, unknown>,
  ): void;
  /** The annotations of a workload's pods. */
  annotations(namespace: string, name: string): Record<string, string>;
  /** The number of patches of a workload. */
  generation(namespace: string, name: string): number;
  /** Keeps workloads of this name from getting new pods. */
  stick(name: string): void;
  /** Expires every continue token. */
  forgetPlaces(): void;
  /** The CA that the cluster gives its pods; undefined: no such config map. */
  podsCa: string | undefined;
  lease: StoredLease | undefined;
  /** The holders of kube-system's leader leases, which are renewed at each read. */
  readonly leaders: Map<string, string>;
  /** Leases that are not renewed. */
  readonly stale: Set<string>;
  /** Secrets, pods, endpoints, Nodes, events and the other config maps. */
  core: CoreObjects;
  /** Creates a legacy Secret. A missing token is signed at the next request, as by the token controller. */
  addLegacyToken(namespace: string, name: string): void;
  /** Creates a service account; the token controller makes a Secret with its token. */
  addAccount(namespace: string, name: string): void;
  /** The signing key of tokens; undefined: no controller signs. */
  signer: KeyObject | undefined;
  /** Runs the controllers as at each request, but without one. */
  work(): void;
  /** The CAs of its clients, which it adds to extension-apiserver-authentication at each request. */
  clientCas: Readonly<Record<string, string>>;
  /** The users of bearer tokens; any other token is rejected. */
  readonly bearers: Map<string, { user: string; groups: readonly string[] }>;
  /** Answers instead of the server if it returns an answer. */
  instead: (asked: Asked) => Answer | undefined;
};

/** The object of a path: /apis/GROUP/v1/[namespaces/NAMESPACE/]KIND[/NAME], or /api/v1/... for the core group. */
type Place = { resource: Resource; namespace: string | undefined };

function placeOf(pathname: string): Place | undefined {
  const [, root, ...parts] = pathname.split('/');
  const group = root === 'apis' ? (parts.shift() ?? '') : '';
  if ((root !== 'apis' && root !== 'api') || parts.shift() !== 'v1') return undefined;
  const namespace = parts[0] === 'namespaces' ? parts.splice(0, 2)[1] : undefined;
  const [kind = '', name] = parts;
  return { resource: { group, kind, ...(name !== undefined && { name }) }, namespace };
}

/** The part of the Node authorizer's rights that the agent uses. */
const isForKubelets = (verb: string, { group, kind }: Resource): boolean =>
  group === '' &&
  ((kind === 'nodes' && verb !== 'update') ||
    (kind === 'events' && (verb === 'create' || verb === 'patch')) ||
    (kind === 'pods' && verb === 'list') ||
    (kind === 'endpoints' && verb === 'get'));

/** The part of kube-proxy's rights that the agent uses. */
const isForProxies = (verb: string, { group, kind }: Resource): boolean =>
  group === '' && kind === 'endpoints' && verb === 'list';

/** Paths that any user may read. */
const FOR_ANY_USER: ReadonlyMap<string, Answer> = new Map([
  ['/readyz', { status: 200, text: 'ok' }],
  ['/api', { status: 200, body: { kind: 'APIVersions', versions: ['v1'] } }],
]);

const VERBS: Record<string, string> = { POST: 'create', PUT: 'update', PATCH: 'patch' };

export function createKubernetes(): Kubernetes {
  const workloads = createWorkloads();
  const leases = new Map<string, ReturnType<typeof createLease>>();
  const leaseNamed = (name: string): ReturnType<typeof createLease> => {
    const lease = leases.get(name) ?? createLease(name);
    leases.set(name, lease);
    return lease;
  };
  const lease = leaseNamed('coe-agent-workloads');
  const core = createCoreObjects();
  const asked: Asked[] = [];
  const leaders = new Map<string, string>();
  const stale = new Set<string>();
  const renewals = new Map<string, number>();

  const leaseOf = (name: string, holder: string): Answer => {
    const renewal = (renewals.get(name) ?? 0) + (stale.has(name) ? 0 : 1);
    renewals.set(name, renewal);
    return {
      status: 200,
      body: {
        kind: 'Lease',
        apiVersion: 'coordination.k8s.io/v1',
        metadata: { name, namespace: 'kube-system' },
        // MicroTime
        spec: { holderIdentity: holder, renewTime: `${new Date(renewal).toISOString().slice(0, -1)}000Z` },
      },
    };
  };

  const answer = ({ method, path, body }: Asked, { user, groups, type }: Caller): Answer => {
    const url = new URL(path, 'https://api');
    const open = FOR_ANY_USER.get(url.pathname);
    if (open) return open;
    const { resource, namespace } = placeOf(url.pathname) ?? {};
    if (!resource) return noSuchResource();
    const verb = VERBS[method] ?? (resource.name === undefined ? 'list' : 'get');
    const isOfProxies = user === 'system:kube-proxy' && isForProxies(verb, resource);
    if (!groups.includes('system:masters') && !isOfProxies) {
      const isOfKubelets = groups.includes('system:nodes') && isForKubelets(verb, resource);
      if (!isOfKubelets) return forbidden(user, verb, resource, namespace);
      const own = user.replace(/^system:node:/, '');
      if (verb === 'patch' && resource.kind === 'nodes' && resource.name !== own)
        return otherNode(own, resource);
    }
    const leader = resource.kind === LEASE.kind ? leaders.get(resource.name ?? '') : undefined;
    if (leader !== undefined) return leaseOf(resource.name ?? '', leader);
    if (resource.group === LEASE.group && resource.kind === LEASE.kind)
      return leaseNamed(resource.name ?? nameIn(body)).answer(method, body);
    if (resource.kind === 'configmaps' && resource.name === 'kube-root-ca.crt')
      return fake.podsCa === undefined || !workloads.has(namespace)
        ? notFound(resource)
        : { status: 200, body: { kind: 'ConfigMap', apiVersion: 'v1', data: { 'ca.crt': fake.podsCa } } };
    if (core.knows(resource))
      return core.answer(verb, resource, namespace, { query: url.searchParams, type, body });
    const kind = KINDS.find((one) => resource.group === 'apps' && one === resource.kind);
    if (!kind) return noSuchResource();
    if (verb === 'patch' && namespace !== undefined && resource.name !== undefined)
      return workloads.patch(kind, namespace, resource.name, type, body);
    return verb === 'list' ? workloads.list(kind, namespace, url.searchParams) : noSuchResource();
  };

  const take = (request: Omit<Asked, 'client'>, caller: Caller): Answer => {
    const one = { ...request, client: [...caller.groups, caller.user].join(' ') };
    asked.push(one);
    fake.work();
    return fake.instead(one) ?? answer(one, caller);
  };
  const respond = async (request: IncomingMessage): Promise<Answer> => {
    const { method = '', url: path = '', socket, headers } = request;
    const type = headers['content-type'];
    const body = await text(request);
    const caller = callerOf(socket) ?? bearerOf(headers.authorization, fake.bearers);
    return caller ? take({ method, path, body }, { ...caller, type }) : unauthorized();
  };

  const fake: Kubernetes = {
    asked,
    leaders,
    stale,
    podsCa: undefined,
    core,
    bearers: new Map(),
    signer: undefined,
    clientCas: {},
    work: () => {
      if (fake.signer) signTokens(core, fake.signer);
      addClientCas(core, fake.clientCas);
    },
    addLegacyToken: (namespace, name) => {
      core.put('secrets', namespace, name, legacySecret('default'));
    },
    addAccount: (namespace, name) => core.put('serviceaccounts', namespace, name, {}),
    get lease() {
      return lease.current;
    },
    set lease(next) {
      lease.current = next;
    },
    instead: () => undefined,
    listener: (request, response) => {
      void respond(request).then(({ status, headers, body = {}, text: plain }) =>
        response
          .writeHead(status, { 'content-type': plain ? 'text/plain' : 'application/json', ...headers })
          .end(plain ?? JSON.stringify(body)),
      );
    },
    add: (kind, namespace, name, spec = {}, podSpec = {}) =>
      workloads.add(kind, namespace, name, spec, podSpec),
    annotations: (namespace, name) => workloads.find(namespace, name).annotations,
    generation: (namespace, name) => workloads.find(namespace, name).generation,
    stick: (name) => workloads.stick(name),
    forgetPlaces: () => workloads.forget(),
    askAs:
      (group, user = 'admin') =>
      async ({ method, path, body: sent }) => {
        const body = sent ? JSON.stringify(sent.value) : '';
        const caller = { user, groups: [group], type: sent?.type };
        const { status, headers = {}, body: said = {}, text: plain } = take({ method, path, body }, caller);
        return await Promise.resolve({ status, headers, text: plain ?? JSON.stringify(said) });
      },
  };
  return fake;
}

/** The name of an object to be created. */
const nameIn = (body: string): string => {
  const named = v.pipe(v.string(), v.parseJson(), v.object({ metadata: v.object({ name: v.string() }) }));
  const parsed = v.safeParse(named, body);
  return parsed.success ? parsed.output.metadata.name : '';
};

/** kube-apiserver adds its own CAs, and removes none (clusterauthenticationtrust of Kubernetes 1.18 and later). */
function addClientCas(core: CoreObjects, cas: Readonly<Record<string, string>>): void {
  const [namespace, name] = ['kube-system', 'extension-apiserver-authentication'];
  if (Object.keys(cas).length === 0) return;
  const before = core.find('configmaps', namespace, name) ?? { data: {} };
  const data = v.parse(v.record(v.string(), v.string()), before['data']);
  const after = { ...data };
  for (const [key, own] of Object.entries(cas))
    for (const pem of own.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n?/g) ?? [])
      if (!(after[key] ?? '').includes(pem.trim())) after[key] = `${after[key] ?? ''}${pem}`;
  if (JSON.stringify(after) !== JSON.stringify(data))
    core.put('configmaps', namespace, name, { ...before, data: after });
}

type Caller = { user: string; groups: readonly string[]; type: string | undefined };

/** A certificate's CN is the user, its O the groups; undefined: no certificate. */
function callerOf(socket: unknown): Pick<Caller, 'user' | 'groups'> | undefined {
  const subject = socket instanceof TLSSocket ? socket.getPeerCertificate().subject : undefined;
  const user = subject?.CN?.toString();
  if (user === undefined) return undefined;
  return { user, groups: [subject?.O ?? []].flat().filter((group) => group !== '') };
}

/** Without a token the caller is anonymous; undefined: an unknown token. */
function bearerOf(
  authorization: string | undefined,
  bearers: Kubernetes['bearers'],
): Pick<Caller, 'user' | 'groups'> | undefined {
  if (authorization === undefined) return { user: 'system:anonymous', groups: [] };
  return bearers.get(authorization.replace(/^Bearer /, ''));
}
