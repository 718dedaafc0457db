import * as v from 'valibot';
import type { Patience, Retry } from '../base/retry.ts';
import { type AskApi, createCall, listAll, parsed } from './kubernetes-call.ts';

/**
 * Calls of the Kubernetes API for what the API itself stores about CAs and keys: tokens in Secrets, and the client CAs
 * in kube-system/extension-apiserver-authentication.
 */
export type KubernetesTrust = {
  /** Lists the Secrets of type kubernetes.io/service-account-token. Their tokens never expire. */
  legacyTokens(abort: AbortSignal): Promise<LegacyToken[]>;
  /**
   * Removes the token, so that the token controller signs a new one. Returns false if the Secret has changed or is
   * gone.
   */
  clearToken(token: LegacyToken, at: number, abort: AbortSignal): Promise<boolean>;
  serviceAccounts(abort: AbortSignal): Promise<ServiceAccount[]>;
  /** Replaces the list of Secrets of a service account. Returns false if it has changed meanwhile or is gone. */
  setSecrets(account: ServiceAccount, secrets: readonly string[], abort: AbortSignal): Promise<boolean>;
  /** Lists every pod that has not ended. */
  pods(abort: AbortSignal): Promise<Pod[]>;
  /** Reads the client CAs; undefined if the config map does not exist. */
  clientTrust(abort: AbortSignal): Promise<ClientTrust | undefined>;
  /** Returns false if the config map has changed meanwhile or is gone. */
  writeClientTrust(trust: ClientTrust, abort: AbortSignal): Promise<boolean>;
  /** Lists the addresses of all API servers, from the endpoints of default/kubernetes. */
  apiServers(abort: AbortSignal): Promise<{ host: string; port: number }[]>;
};

export type LegacyToken = {
  namespace: string;
  name: string;
  /** The service account that the token belongs to. */
  account: string;
  version: string;
  /** Empty if the controller has not signed one yet. */
  token: string;
  /** When clearToken removed the former token, in milliseconds since the epoch. */
  clearedAt: number | undefined;
};

/** Up to Kubernetes 1.23, new pods mount the account's first Secret with a token; if there is none, one is created. */
export type ServiceAccount = {
  namespace: string;
  name: string;
  version: string;
  secrets: readonly string[];
};

export type Pod = {
  namespace: string;
  name: string;
  /** Milliseconds since the epoch; undefined if it has not started. */
  startedAt: number | undefined;
  /** The Secrets that it mounts. */
  secrets: readonly string[];
};

/** PEM texts by the keys of the config map. */
export type ClientTrust = { version: string; cas: Readonly<Partial<Record<ClientCaKey, string>>> };
export const CLIENT_CA_KEYS = ['client-ca-file', 'requestheader-client-ca-file'] as const;
export type ClientCaKey = (typeof CLIENT_CA_KEYS)[number];

/** Annotation: when the token was removed; RFC 3339. */
const CLEARED = 'coe-agent/token-cleared';
const ACCOUNT = 'kubernetes.io/service-account.name';
const MERGE = 'application/merge-patch+json';
const TRUST = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';
/** kube-proxy may list endpoints, but not get one by name. */
const ENDPOINTS = '/api/v1/namespaces/default/endpoints';

const named = { namespace: v.string(), name: v.string() };
const Secret = v.object({
  metadata: v.object({
    ...named,
    resourceVersion: v.string(),
    annotations: v.nullish(v.record(v.string(), v.string())),
  }),
  data: v.nullish(v.object({ token: v.optional(v.string(), '') }), { token: '' }),
});
const AccountItem = v.object({
  metadata: v.object({ ...named, resourceVersion: v.string() }),
  secrets: v.nullish(v.array(v.object({ name: v.optional(v.string(), '') })), []),
});
const ofSecret = v.nullish(v.object({ secretName: v.optional(v.string()), name: v.optional(v.string()) }));
const PodItem = v.object({
  metadata: v.object(named),
  spec: v.object({
    volumes: v.nullish(
      v.array(
        v.object({
          secret: ofSecret,
          projected: v.nullish(v.object({ sources: v.nullish(v.array(v.object({ secret: ofSecret })), []) })),
        }),
      ),
      [],
    ),
  }),
  status: v.optional(v.object({ startTime: v.nullish(v.string()) }), {}),
});
const TrustMap = v.object({
  metadata: v.object({ resourceVersion: v.string() }),
  data: v.nullish(v.record(v.string(), v.string()), {}),
});
const Endpoints = v.object({
  metadata: v.object(named),
  subsets: v.nullish(
    v.array(
      v.object({
        addresses: v.nullish(v.array(v.object({ ip: v.string() })), []),
        ports: v.nullish(v.array(v.object({ port: v.number() })), []),
      }),
    ),
    [],
  ),
});

/** @param patience how long to retry while the API is unavailable or overloaded */
export function createKubernetesTrust(ask: AskApi, retry: Retry, patience: Patience): KubernetesTrust {
  const call = createCall(ask, retry, patience);
  const patch = async (what: string, path: string, value: unknown, abort: AbortSignal): Promise<boolean> =>
    await call(
      {
        what,
        method: 'PATCH',
        path: `${path}?fieldManager=coe-agent`,
        body: { type: MERGE, value },
        abort,
      },
      [200, 404, 409],
      (status) => status === 200,
    );

  return {
    legacyTokens: async (abort) => {
      const query = { fieldSelector: 'type=kubernetes.io/service-account-token' };
      const items = await listAll(call, Secret, '/api/v1/secrets', query, abort);
      return items.map(({ metadata: { namespace, name, resourceVersion: version, annotations }, data }) => ({
        namespace,
        name,
        account: annotations?.[ACCOUNT] ?? '',
        version,
        token: Buffer.from(data?.token ?? '', 'base64').toString('utf8'),
        clearedAt: timeOf(annotations?.[CLEARED]),
      }));
    },

    clearToken: async ({ namespace, name, version }, at, abort) => {
      const annotations = { [CLEARED]: new Date(at).toISOString() };
      return await patch(
        `clearing the token of the Secret ${namespace}/${name}`,
        `/api/v1/namespaces/${namespace}/secrets/${name}`,
        { metadata: { resourceVersion: version, annotations }, data: { token: null } },
        abort,
      );
    },

    serviceAccounts: async (abort) => {
      const items = await listAll(call, AccountItem, '/api/v1/serviceaccounts', {}, abort);
      return items.map(({ metadata: { namespace, name, resourceVersion: version }, secrets }) => ({
        namespace,
        name,
        version,
        secrets: (secrets ?? []).map((one) => one.name),
      }));
    },

    setSecrets: async ({ namespace, name, version }, secrets, abort) =>
      await patch(
        `replacing the token of the service account ${namespace}/${name}`,
        `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`,
        { metadata: { resourceVersion: version }, secrets: secrets.map((secret) => ({ name: secret })) },
        abort,
      ),

    pods: async (abort) => {
      const query = { fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed' };
      const items = await listAll(call, PodItem, '/api/v1/pods', query, abort);
      return items.map(({ metadata: { namespace, name }, spec, status }) => ({
        namespace,
        name,
        startedAt: timeOf(status.startTime ?? undefined),
        secrets: (spec.volumes ?? []).flatMap(({ secret, projected }) =>
          [secret, ...(projected?.sources ?? []).map((source) => source.secret)].flatMap(
            (one) => one?.secretName ?? one?.name ?? [],
          ),
        ),
      }));
    },

    clientTrust: async (abort) => {
      const what = 'reading the client CAs of the aggregated API servers';
      return await call({ what, method: 'GET', path: TRUST, abort }, [200, 404], (status, text) => {
        if (status === 404) return undefined;
        const { metadata, data } = parsed(TrustMap, text, what);
        const cas = CLIENT_CA_KEYS.flatMap((key) => {
          const pem = data?.[key];
          return pem === undefined ? [] : [[key, pem] as const];
        });
        return { version: metadata.resourceVersion, cas: Object.fromEntries(cas) };
      });
    },

    writeClientTrust: async ({ version, cas }, abort) =>
      await patch(
        'removing former CAs from the client CAs of the aggregated API servers',
        TRUST,
        { metadata: { resourceVersion: version }, data: cas },
        abort,
      ),

    apiServers: async (abort) => {
      const query = { fieldSelector: 'metadata.name=kubernetes' };
      const [found] = await listAll(call, Endpoints, ENDPOINTS, query, abort);
      return (found?.subsets ?? []).flatMap(({ addresses, ports }) =>
        (addresses ?? []).flatMap(({ ip: host }) => (ports ?? []).map(({ port }) => ({ host, port }))),
      );
    },
  };
}

function timeOf(text: string | undefined): number | undefined {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? undefined : time;
}
