import { readText } from '../src/base/disk.ts';
import { readTrusted } from '../src/base/trust.ts';
import { AgentError } from '../src/base/errors.ts';
import { type ChosenLayout, chooseLayout, roleOf } from '../src/certificates/choose-layout.ts';
import { applicableRows } from '../src/certificates/applicable-rows.ts';
import type { Role, RoleLayout } from '../src/certificates/layout.ts';
import { factsOf, type Values } from '../src/certificates/template.ts';
import {
  given,
  type HeatParams,
  isTrue,
  parseHeatParams,
  requireParams,
  secretsOfParams,
} from '../src/metadata/heat-params.ts';
import { hostnameIn } from '../src/metadata/hostname.ts';
import { requiredKeys } from '../src/certificates/request.ts';
import type { Hands } from './hands.ts';

/** The node's identity. It is read again for each operation, because heat-params may be edited by hand. */
export type Node = {
  params: HeatParams;
  role: Role;
  chosen: ChosenLayout;
  layout: RoleLayout;
  /** The values for the layout's templates. */
  values: Values;
};

type ToRead = Pick<Hands, 'disk' | 'config' | 'hostname' | 'secrets'>;

/** Reads the node. @throws `bad-heat-params` when there is no heat-params file */
export async function readNode(hands: ToRead): Promise<Node> {
  const node = await readNodeIfThere(hands);
  if (node) return node;
  throw new AgentError(
    'bad-heat-params',
    `${hands.config.heat_params} is missing or empty: this is not a node of a Magnum cluster, or it is not set up yet`,
  );
}

/** Reads heat-params once. @returns undefined on a node without heat-params: it is not set up yet */
export async function readNodeIfThere({
  disk,
  config,
  hostname,
  secrets,
}: ToRead): Promise<Node | undefined> {
  const params = await readParamsIfThere({ disk, config, secrets });
  if (params.size === 0) return undefined;
  const role = roleOf(given(params, 'NODEGROUP_ROLE') ?? 'worker');
  const exists = async (path: string): Promise<boolean> => (await disk.info(path)) !== undefined;
  const chosen = await chooseLayout(config.layout, config.layouts, params, exists);
  const layout = await applicableRows(chosen.layout.roles[role], exists);
  const text = (await readText(disk, '/etc/hostname')) ?? '';
  const name = hostnameIn(text) ?? hostnameIn(hostname) ?? '';
  return { params, role, chosen, layout, values: factsOf(params, name) };
}

/**
 * Reads heat-params with the configured login and registers their secrets. Returns an empty map if the file is missing.
 */
export async function readParamsIfThere({
  disk,
  config,
  secrets,
}: Pick<Hands, 'disk' | 'config' | 'secrets'>): Promise<HeatParams> {
  const text = await readTrusted(disk, config.heat_params, 'bad-heat-params');
  const read = parseHeatParams(text ?? '');
  const { application_credential: credential } = config.cloud;
  const params =
    credential && read.size > 0
      ? new Map([...read, [CREDENTIAL.id, credential.id], [CREDENTIAL.secret, credential.secret]])
      : read;
  for (const secret of secretsOfParams(params)) secrets.add(secret);
  return params;
}

const ALWAYS = ['CLUSTER_UUID', 'MAGNUM_URL'];
/** A trustee may log in without a trust. */
const TRUSTEE = ['AUTH_URL', 'TRUSTEE_USER_ID', 'TRUSTEE_PASSWORD'];

/**
 * The keys of heat-params for an application credential. If a node has either key, it logs in with it instead of its
 * trustee.
 */
export const CREDENTIAL = {
  id: 'APPLICATION_CREDENTIAL_ID',
  secret: 'APPLICATION_CREDENTIAL_SECRET',
} as const;

const hasCredential = (params: HeatParams): boolean =>
  Object.values(CREDENTIAL).some((key) => given(params, key) !== undefined);

/** Returns heat-params without an application credential, which leaves the login of the trustee. */
export const asTrustee = (params: HeatParams): HeatParams => {
  const others = new Map(params);
  for (const key of Object.values(CREDENTIAL)) others.delete(key);
  return others;
};

/**
 * Checks the preconditions of all work on this node.
 *
 * @throws `precondition` or `bad-heat-params`
 */
export function checkNode(node: Node, path: string, hasToken: boolean): void {
  if (isTrue(node.params.get('TLS_DISABLED')))
    throw new AgentError('precondition', 'the cluster has no TLS: nothing to rotate', { reason: 'no-tls' });
  const { master, worker } = node.chosen.layout.roles;
  // If both roles have the same layout, NODEGROUP_ROLE may be missing.
  const role = master === worker ? [] : ['NODEGROUP_ROLE'];
  const own = hasCredential(node.params) ? ['AUTH_URL', ...Object.values(CREDENTIAL)] : TRUSTEE;
  const login = hasToken ? [] : own;
  requireParams(node.params, [...ALWAYS, ...role, ...login, ...requiredKeys(node.layout)], path);
}

/** Returns the name of this node's Node in Kubernetes. */
export const nodeNameOf = ({ values }: Pick<Node, 'values'>): string =>
  values.get('INSTANCE_NAME') || (values.get('HOSTNAME') ?? '');

/** Returns the names and addresses by which this node recognizes itself among others. */
export const namesOf = ({ values }: Pick<Node, 'values'>): ReadonlySet<string> =>
  new Set(['INSTANCE_NAME', 'HOSTNAME', 'KUBE_NODE_IP'].flatMap((key) => values.get(key) || []));

/** Names the node's own login for a plan. */
export const ownLoginOf = (params: HeatParams): string =>
  kindOfLogin(params) === 'application-credential'
    ? `application credential ${params.get(CREDENTIAL.id) ?? ''}`
    : nameLogin(params.get('TRUSTEE_USER_ID') ?? '', given(params, 'TRUST_ID'));

/** Returns the kind of login that the node uses. */
export const kindOfLogin = (params: HeatParams): 'application-credential' | 'trust' | 'trustee' =>
  hasCredential(params)
    ? 'application-credential'
    : given(params, 'TRUST_ID') === undefined
      ? 'trustee'
      : 'trust';

/** Names a trustee, with its trust if it has one. */
export const nameLogin = (user: string, trust: string | undefined): string =>
  trust === undefined ? `user ${user} without a trust` : `user ${user} with trust ${trust}`;

/** Describes the node's layout, why it was chosen, and the node's role. */
export const describeNode = ({ chosen, role }: Pick<Node, 'chosen' | 'role'>): string =>
  `layout ${chosen.layout.name} (${chosen.why}), ${role}`;
