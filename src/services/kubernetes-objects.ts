import * as v from 'valibot';
import type { Patience, Retry } from '../base/retry.ts';
import { type AskApi, createCall, listAll, parsed } from './kubernetes-call.ts';

/** The calls of the Kubernetes API that read and change what Secrets and config maps hold. */
export type KubernetesObjects = {
  /** Those of all namespaces; tokens of service accounts and releases of Helm are left out. */
  list(kind: ObjectKind, abort: AbortSignal): Promise<HeldObject[]>;
  /** undefined: it is gone. */
  read(
    object: Pick<HeldObject, 'kind' | 'namespace' | 'name'>,
    abort: AbortSignal,
  ): Promise<HeldObject | undefined>;
  /**
   * Replaces values of the object as it was read.
   *
   * @returns `conflict`: others have changed it meanwhile; `gone`; `refused`: it is immutable, or an admission forbids it
   */
  write(object: HeldObject, changes: ObjectChanges, abort: AbortSignal): Promise<Written>;
};

export const OBJECT_KINDS = ['secrets', 'configmaps'] as const;
export type ObjectKind = (typeof OBJECT_KINDS)[number];

export type HeldObject = {
  kind: ObjectKind;
  namespace: string;
  name: string;
  version: string;
  /** By key; of a Secret decoded. */
  data: ReadonlyMap<string, Buffer>;
  /** What `kubectl apply` keeps of the object as it was applied last: JSON. */
  lastApplied: string | undefined;
};

export type ObjectChanges = { data: ReadonlyMap<string, Buffer>; lastApplied?: string | undefined };
export type Written = 'written' | 'conflict' | 'gone' | 'refused';

/** `Secret kube-system/os-trustee` */
export const nameOfObject = ({
  kind,
  namespace,
  name,
}: Pick<HeldObject, 'kind' | 'namespace' | 'name'>): string =>
  `${kind === 'secrets' ? 'Secret' : 'ConfigMap'} ${namespace}/${name}`;

export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

const Item = v.object({
  metadata: v.object({
    namespace: v.string(),
    name: v.string(),
    resourceVersion: v.string(),
    annotations: v.nullish(v.record(v.string(), v.string())),
  }),
  data: v.nullish(v.record(v.string(), v.nullish(v.string(), ''))),
});

const QUERIES: Readonly<Record<ObjectKind, Readonly<Record<string, string>>>> = {
  secrets: { fieldSelector: 'type!=kubernetes.io/service-account-token,type!=helm.sh/release.v1' },
  configmaps: {},
};

const encodingOf = (kind: ObjectKind): 'base64' | 'utf8' => (kind === 'secrets' ? 'base64' : 'utf8');

const objectOf = (kind: ObjectKind, { metadata, data }: v.InferOutput<typeof Item>): HeldObject => ({
  kind,
  namespace: metadata.namespace,
  name: metadata.name,
  version: metadata.resourceVersion,
  data: new Map(
    Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value ?? '', encodingOf(kind))]),
  ),
  lastApplied: metadata.annotations?.[LAST_APPLIED],
});

const pathOf = ({ kind, namespace, name }: Pick<HeldObject, 'kind' | 'namespace' | 'name'>): string =>
  `/api/v1/namespaces/${namespace}/${kind}/${name}`;

const WRITTEN: Readonly<Record<number, Written>> = {
  200: 'written',
  403: 'refused',
  404: 'gone',
  409: 'conflict',
  422: 'refused',
};

/** @param patience how long an API that is not there, or has too much to do, is asked again */
export function createKubernetesObjects(ask: AskApi, retry: Retry, patience: Patience): KubernetesObjects {
  const call = createCall(ask, retry, patience);
  return {
    list: async (kind, abort) => {
      const items = await listAll(call, Item, `/api/v1/${kind}`, QUERIES[kind], abort);
      return items.map((item) => objectOf(kind, item));
    },

    read: async (object, abort) => {
      const what = `reading ${nameOfObject(object)}`;
      const path = pathOf(object);
      return await call({ what, method: 'GET', path, abort }, [200, 404], (status, text) =>
        status === 404 ? undefined : objectOf(object.kind, parsed(Item, text, what)),
      );
    },

    write: async (object, { data, lastApplied }, abort) => {
      const encoding = encodingOf(object.kind);
      const value = {
        metadata: {
          resourceVersion: object.version,
          ...(lastApplied !== undefined && { annotations: { [LAST_APPLIED]: lastApplied } }),
        },
        ...(data.size > 0 && {
          data: Object.fromEntries([...data].map(([key, content]) => [key, content.toString(encoding)])),
        }),
      };
      return await call(
        {
          what: `giving ${nameOfObject(object)} the new login`,
          method: 'PATCH',
          path: `${pathOf(object)}?fieldManager=coe-agent`,
          body: { type: 'application/merge-patch+json', value },
          abort,
        },
        [200, 403, 404, 409, 422],
        (status) => WRITTEN[status] ?? 'refused',
      );
    },
  };
}
