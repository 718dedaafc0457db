import * as v from 'valibot';
import type { Patience, Retry } from '../base/retry.ts';
import { type AskApi, createCall, parsed } from './kubernetes-call.ts';

/** An object of the Kubernetes API that contains certificates, or a pod that mounts host paths. */
export type Holder = {
  kind: string;
  /** Empty if the kind has no namespace. */
  namespace: string;
  name: string;
  /** PEM texts; each is what one reader receives. */
  certificates: readonly string[];
  /** The host paths that a pod mounts. */
  hostPaths: readonly string[];
  /** Milliseconds since the epoch; undefined if it is not a pod or has not started. */
  startedAt: number | undefined;
};

/**
 * The lists that can contain certificates of the cluster's CA (https://kubernetes.io/docs/reference/kubernetes-api/).
 * Service-account tokens are skipped because kube-controller-manager renews the CA in them. Helm releases are skipped
 * because they are large.
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
  // kube-controller-manager deletes a request an hour after it was signed (csrcleaner): older ones are not seen.
  {
    kind: 'CertificateSigningRequest',
    path: '/apis/certificates.k8s.io/v1/certificatesigningrequests',
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
  status: v.nullish(v.object({ startTime: v.nullish(v.string()), certificate: v.nullish(v.string()) })),
});
const Page = v.object({
  metadata: v.optional(v.object({ continue: v.optional(v.string(), '') }), {}),
  items: v.nullish(v.array(v.unknown())),
});

/** Items per page. An answer may have 8 MiB; a Secret may have 1 MiB, but most are far smaller. */
const PAGE = 20;
/** Per list. */
const MOST_PAGES = 250;
/** Maximum length of a value in a Secret, in characters of base64. A bundle of public CAs is shorter. */
const LONGEST = 400_000;

/**
 * Reads the lists page by page, without keeping a whole list in memory.
 *
 * @param see receives each object
 * @returns whether every object was seen: no list expired while it was read, and none has more than 5000 objects
 * @throws the API's error if it cannot answer
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
        // 404: the cluster does not have this kind. 410: the continue token has expired.
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
    certificates: [...bundles, status?.certificate ?? undefined, ...Object.values(data ?? {})].flatMap(
      textsIn,
    ),
    hostPaths: (spec?.volumes ?? []).flatMap(({ hostPath }) => hostPath?.path ?? []),
    startedAt: kind === 'Pod' && !Number.isNaN(started) ? started : undefined,
  };
}

/** Returns the PEM texts of a value: PEM itself, or base64 within a kubeconfig. */
function textsIn(base64: string | undefined): string[] {
  if (base64 === undefined || base64.length > LONGEST) return [];
  const text = decoded(base64);
  const embedded = text.matchAll(/(?:certificate-authority|client-certificate)-data: *["']?([\w+/=-]+)/g);
  return [text, ...[...embedded].map(([, data = '']) => decoded(data))].filter((one) =>
    one.includes('-----BEGIN '),
  );
}

const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');
