import * as v from 'valibot';
import type { Patience, Retry } from '../base/retry.ts';
import { type AskApi, createCall, parsed } from './kubernetes-call.ts';

/** An object of the Kubernetes API that holds certificates, or a pod with folders of its host. */
export type Holder = {
  kind: string;
  /** Empty: the kind has none. */
  namespace: string;
  name: string;
  /** PEM texts: each is what one reader is given. */
  certificates: readonly string[];
  /** The paths of its host that a pod mounts. */
  hostPaths: readonly string[];
  /** Milliseconds since the epoch; undefined: it is no pod, or has not started. */
  startedAt: number | undefined;
};

/**
 * The lists in which certificates of the cluster's CA are found
 * (https://kubernetes.io/docs/reference/kubernetes-api/). Tokens of service accounts and releases of Helm are left out:
 * kube-controller-manager renews the CA beside the first, and the second are large.
 */
const LISTS: readonly { kind: string; path: string; selector?: string }[] = [
  {
    kind: 'ValidatingWebhookConfiguration',
    path: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
  },
  {
    kind: 'MutatingWebhookConfiguration',
    path: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
  },
  { kind: 'APIService', path: '/apis/apiregistration.k8s.io/v1/apiservices' },
  { kind: 'CustomResourceDefinition', path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions' },
  {
    kind: 'Secret',
    path: '/api/v1/secrets',
    selector: 'type!=kubernetes.io/service-account-token,type!=helm.sh/release.v1',
  },
  { kind: 'Pod', path: '/api/v1/pods', selector: 'status.phase!=Succeeded,status.phase!=Failed' },
];

const Bundle = v.nullish(v.object({ caBundle: v.optional(v.string(), '') }));
const Item = v.object({
  metadata: v.object({ namespace: v.optional(v.string(), ''), name: v.string() }),
  webhooks: v.nullish(v.array(v.object({ clientConfig: Bundle }))),
  spec: v.nullish(
    v.object({
      caBundle: v.optional(v.string(), ''),
      conversion: v.nullish(v.object({ webhook: v.nullish(v.object({ clientConfig: Bundle })) })),
      volumes: v.nullish(v.array(v.object({ hostPath: v.nullish(v.object({ path: v.string() })) }))),
    }),
  ),
  data: v.nullish(v.record(v.string(), v.string())),
  status: v.nullish(v.object({ startTime: v.nullish(v.string()) })),
});
const Page = v.object({
  metadata: v.optional(v.object({ continue: v.optional(v.string(), '') }), {}),
  items: v.nullish(v.array(v.unknown())),
});

/** An answer has at most 8 MiB, a Secret 1 MiB and most of them far less. */
const PAGE = 20;
/** Of each list. */
const MOST_PAGES = 250;
/** Of a value in a Secret, in characters of base64: a bundle of public CAs has less. */
const LONGEST = 400_000;

/**
 * Reads the lists page by page; none is held in whole.
 *
 * @param see is called with each object
 * @returns whether that was all: a list has not changed too much meanwhile, and has no more than 5000 objects
 * @throws what the API answers when it cannot say
 */
export async function seeHolders(
  ask: AskApi,
  retry: Retry,
  patience: Patience,
  abort: AbortSignal,
  see: (holder: Holder) => void,
): Promise<boolean> {
  const call = createCall(ask, retry, patience);
  let isAll = true;
  for (const { kind, path, selector } of LISTS) {
    const what = `listing ${path}`;
    let from = '';
    for (let page = 0; page === 0 || from !== ''; page += 1) {
      if (page === MOST_PAGES) {
        isAll = false;
        break;
      }
      const query = new URLSearchParams({
        ...(selector !== undefined && { fieldSelector: selector }),
        limit: String(PAGE),
        ...(from !== '' && { continue: from }),
      });
      const found = await call(
        { what, method: 'GET', path: `${path}?${query.toString()}`, abort },
        // 404: the cluster has no such kind. 410: the place in the list is forgotten.
        [200, 404, 410],
        (status, text) => (status === 200 ? parsed(Page, text, what) : undefined),
      );
      if (!found && from !== '') isAll = false;
      for (const item of found?.items ?? []) {
        const one = v.safeParse(Item, item);
        if (one.success) see(holderOf(kind, one.output));
      }
      from = found?.metadata.continue ?? '';
    }
  }
  return isAll;
}

function holderOf(
  kind: string,
  { metadata, webhooks, spec, data, status }: v.InferOutput<typeof Item>,
): Holder {
  const bundles = [
    ...(webhooks ?? []).map((one) => one.clientConfig?.caBundle),
    spec?.caBundle,
    spec?.conversion?.webhook?.clientConfig?.caBundle,
  ];
  const started = Date.parse(status?.startTime ?? '');
  return {
    kind,
    ...metadata,
    certificates: [...bundles, ...Object.values(data ?? {})].flatMap(textsIn),
    hostPaths: (spec?.volumes ?? []).flatMap(({ hostPath }) => hostPath?.path ?? []),
    startedAt: kind === 'Pod' && !Number.isNaN(started) ? started : undefined,
  };
}

/** A value is PEM, or a kubeconfig with base64 in it. */
function textsIn(base64: string | undefined): string[] {
  if (base64 === undefined || base64.length > LONGEST) return [];
  const text = decoded(base64);
  const embedded = text.matchAll(/(?:certificate-authority|client-certificate)-data: *["']?([\w+/=-]+)/g);
  return [text, ...[...embedded].map(([, data = '']) => decoded(data))].filter((one) =>
    one.includes('-----BEGIN '),
  );
}

const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');
