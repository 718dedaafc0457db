import type { Origins } from './catalog.ts';
import { InvalidCsr } from './csr.ts';
import { json, parseObject, type Answer, type Request } from './exchange.ts';
import { ExtensionRefused } from './extensions.ts';
import { authorityOf, type Generation } from './generation.ts';
import { keystoneUnavailable, unauthorized } from './heat-answers.ts';
import type { Identity, Project, Token, User } from './identity.ts';
import {
  asPythonBytes,
  magnumError,
  noCluster,
  unsupportedVersion,
  versionHeaders,
} from './magnum-answers.ts';
import { type Action, isAllowed, type Release } from './magnum-policy.ts';
import { createRouter, type Handler, type Params } from './router.ts';

/** A cluster in Magnum's API. */
export type ClusterRecord = {
  uuid: string;
  name: string;
  owner: User;
  /** Its name contains the project. */
  trustee: User;
  project: Project;
  stackId: string;
  /** The address of its Kubernetes API; null until Heat knows it. */
  apiAddress: string | null;
  tlsDisabled: boolean;
  readonly status: string;
  readonly generation: Generation;
  /** Makes new CAs, and updates the stack with new service-account keys. */
  rotate(): Promise<void>;
};

export type MagnumHands = {
  identity: Identity;
  origins: Origins;
  clusters: () => ClusterRecord[];
  release: Release;
};

/** Magnum's certificates and clusters, https://docs.openstack.org/api-ref/container-infrastructure-management/ . */
export function createMagnum({ identity, origins, clusters, release }: MagnumHands): Handler {
  type Use = (token: Token, request: Request, params: Params) => Answer | Promise<Answer>;
  const guarded =
    (use: Use) =>
    async (request: Request, params: Params): Promise<Answer> => {
      const token = identity.check(request.headers['x-auth-token']);
      if (!token) return unauthorized(`${origins.keystone}/v3`);
      if (identity.isBroken(token)) return keystoneUnavailable();
      const version = negotiate(request.headers['openstack-api-version']);
      const answer = version.known ? await use(token, request, params) : unsupportedVersion();
      return { ...answer, headers: { ...versionHeaders(version.name), ...answer.headers } };
    };

  const may = (action: Action, token: Token, cluster: ClusterRecord): boolean =>
    isAllowed(release, action, token, cluster);

  /** Clusters of other projects are hidden. */
  const find = (token: Token, name: unknown): ClusterRecord | undefined =>
    clusters().find(
      (one) =>
        [one.uuid, one.name].includes(asText(name)) &&
        (one.project.id === token.project?.id || one.trustee.id === token.user.id),
    );

  const withCluster = (
    use: (cluster: ClusterRecord, token: Token, request: Request) => Answer | Promise<Answer>,
  ) =>
    guarded(async (token, request, { cluster: name = '' }) => {
      const cluster = find(token, name);
      return cluster ? await use(cluster, token, request) : noCluster(404, name);
    });

  const readCa = withCluster((cluster, token, { query }) => {
    if (!may('certificate:get', token, cluster)) return forbidden('certificate:get');
    const { pem } = authorityOf(cluster.generation, query.get('ca_cert_type'));
    return json(200, { ...identify(cluster, origins), pem });
  });

  const sign = guarded((token, request) => {
    const body = parseObject(request.body);
    if (!body) return magnumError(400, NOT_JSON, NOT_JSON);
    const { csr, ca_cert_type: type } = body;
    const name = body['cluster_uuid'] ?? body['bay_uuid'] ?? 'Unset';
    const cluster = find(token, name);
    if (!cluster) return noCluster(name === 'Unset' ? 404 : 400, asText(name));
    if (!may('certificate:create', token, cluster)) return forbidden('certificate:create');
    if (typeof csr !== 'string' || csr === '') return noCsr(csr);
    return issue(cluster, csr, type, origins);
  });

  const rotate = withCluster(async (cluster, token) => {
    if (!may('certificate:rotate_ca', token, cluster)) return forbidden('certificate:rotate_ca');
    if (cluster.tlsDisabled) return magnumError(400, NOT_TLS, NOT_TLS);
    if (!cluster.status.endsWith('_COMPLETE'))
      return magnumError(400, `Updating a cluster when status is "${cluster.status}" is not supported`);
    await cluster.rotate();
    return json(202, { uuid: cluster.uuid });
  });

  const certificate = /^\/v1\/certificates\/(?<cluster>[^/]+)$/;
  return createRouter(
    [
      { method: 'GET', path: certificate, handle: readCa },
      { method: 'PATCH', path: certificate, handle: rotate },
      { method: 'POST', path: /^\/v1\/certificates\/?$/, handle: sign },
      {
        method: 'GET',
        path: /^\/v1\/clusters\/(?<cluster>[^/]+)$/,
        handle: withCluster((cluster) => json(200, describe(cluster, origins))),
      },
    ],
    { unknownPath: () => magnumError(404, '', ''), wrongMethod: () => magnumError(405, '', '') },
  );
}

const NOT_JSON = 'Request is not in valid JSON format';
const LOST = 'Timed out waiting for a reply to message ID 00000000000000000000000000000000';
const NOT_TLS = 'Rotating the CA certificate on a non-TLS cluster is not supported';

function negotiate(header: string | string[] | undefined): { name: string; known: boolean } {
  const [, version = '1.1'] = /^container-infra\s+(\S+)$/.exec(String(header ?? '')) ?? [];
  if (version === 'latest') return { name: '1.10', known: true };
  return { name: version, known: /^1\.([1-9]|10)$/.test(version) };
}

const forbidden = (action: Action): Answer =>
  magnumError(403, `Policy doesn't allow ${action} to be performed`);

function noCsr(csr: unknown): Answer {
  const missing = "Cannot load 'csr' in the base class";
  if (csr === undefined) return magnumError(500, missing, missing);
  const title = 'Invalid input for field/attribute csr';
  const wanted = csr === '' ? 'have a minimum character requirement of 1' : 'be string';
  const given = typeof csr === 'string' ? csr : JSON.stringify(csr);
  return magnumError(400, title, `${title}. Value: '${given}'. Value should ${wanted}`);
}

function issue(cluster: ClusterRecord, csr: string, type: unknown, origins: Origins): Answer {
  try {
    const pem = authorityOf(cluster.generation, type).sign(csr);
    const sent = typeof type === 'string' ? { ca_cert_type: type } : {};
    return json(201, { ...identify(cluster, origins), csr, pem, ...sent });
  } catch (error) {
    if (error instanceof InvalidCsr) return magnumError(400, `Received invalid csr ${asPythonBytes(csr)}`);
    // The real conductor's rejection gets lost on its way to the API, which gives up after a minute.
    if (error instanceof ExtensionRefused) return magnumError(500, LOST, LOST);
    throw error;
  }
}

const links = (kind: string, uuid: string, { magnum }: Origins): unknown => [
  { href: `${magnum}/v1/${kind}/${uuid}`, rel: 'self' },
  { href: `${magnum}/${kind}/${uuid}`, rel: 'bookmark' },
];

const identify = ({ uuid }: ClusterRecord, origins: Origins): Record<string, unknown> => ({
  bay_uuid: uuid,
  cluster_uuid: uuid,
  links: links('certificates', uuid, origins),
});

const describe = (cluster: ClusterRecord, origins: Origins): unknown => ({
  uuid: cluster.uuid,
  name: cluster.name,
  links: links('clusters', cluster.uuid, origins),
  stack_id: cluster.stackId,
  status: cluster.status,
  status_reason: null,
  api_address: cluster.apiAddress,
  health_status: null,
  project_id: cluster.project.id,
  user_id: cluster.owner.id,
});

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
