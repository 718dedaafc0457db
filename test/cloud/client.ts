import { call, type Reply } from './call.ts';
import type { Cluster } from './cluster.ts';
import { at, parseObject } from './exchange.ts';

/**
 * A plain client of the stand-in cloud for its own tests. It shares no code with the agent, so that neither hides the
 * other's mistakes.
 */

/** Logs in and returns the token; throws if the login is refused. */
export async function token(authUrl: string, user: unknown, scope: unknown, ca?: string): Promise<string> {
  const auth = { identity: { methods: ['password'], password: { user } }, scope };
  const reply = await call(`${authUrl.replace(/\/$/, '')}/auth/tokens`, {
    method: 'POST',
    body: { auth },
    ca,
  });
  const issued = reply.headers['x-subject-token'];
  if (typeof issued !== 'string') throw new Error(`login: ${reply.status} ${reply.text}`);
  return issued;
}

export async function trustToken(cluster: Cluster, ca?: string): Promise<string> {
  const params = cluster.heatParams('master');
  const user = { id: cluster.trusteeUserId, password: cluster.trusteePassword };
  return await token(params['AUTH_URL'] ?? '', user, { 'OS-TRUST:trust': { id: cluster.trustId } }, ca);
}

/** Calls Magnum's certificates of a cluster. */
export function certificates(cluster: Cluster, authToken: string, caPem?: string) {
  const base = `${cluster.heatParams('master')['MAGNUM_URL'] ?? ''}/certificates`;
  const headers = { 'X-Auth-Token': authToken, 'OpenStack-API-Version': 'container-infra latest' };
  const ca = async (type: string): Promise<Reply> =>
    await call(`${base}/${cluster.uuid}?ca_cert_type=${type}`, { headers, ca: caPem });
  const sign = async (type: string, csr: unknown): Promise<Reply> =>
    await call(base, {
      method: 'POST',
      headers,
      body: { cluster_uuid: cluster.uuid, csr, ca_cert_type: type },
      ca: caPem,
    });
  return {
    ca: async (type: string) => pemOf(await ca(type)),
    sign: async (type: string, csr: unknown) => pemOf(await sign(type, csr)),
    tryCa: ca,
    trySign: sign,
  };
}

function pemOf(reply: Reply): string {
  const pem = at(parseObject(reply.text), 'pem');
  if (typeof pem !== 'string') throw new Error(`no pem: ${reply.status} ${reply.text}`);
  return pem;
}

/** Polls a server's metadata with the credentials of its poller. */
export async function readMetadata(cluster: Cluster, server: string, ca?: string): Promise<Reply> {
  const { heat } = cluster.collectConfig(server);
  const user = { id: heat.user_id, password: heat.password };
  const authToken = await token(heat.auth_url, user, { project: { id: heat.project_id } }, ca);
  const base = `${cluster.stack.around.origins.heat}/v1/${heat.project_id}`;
  const headers = { 'X-Auth-Token': authToken };
  return await call(`${base}/stacks/${heat.stack_id}/resources/${heat.resource_name}/metadata`, {
    headers,
    ca,
  });
}

export async function deploymentsOf(cluster: Cluster, server: string, ca?: string): Promise<unknown[]> {
  const reply = await readMetadata(cluster, server, ca);
  const list: unknown = at(parseObject(reply.text), 'metadata', 'deployments');
  if (!Array.isArray(list)) throw new Error(`no deployments: ${reply.status} ${reply.text}`);
  return list.map((deployment: unknown) => deployment);
}

/** Returns the text inputs of a deployment, by name. */
export function inputsOf(deployment: unknown): Record<string, string> {
  const inputs = at(deployment, 'inputs');
  const given = Array.isArray(inputs) ? inputs.filter((one) => typeof at(one, 'value') === 'string') : [];
  return Object.fromEntries(given.map((one) => [String(at(one, 'name')), String(at(one, 'value'))]));
}

/** Sends HEAT_SIGNAL with the credentials in the deployment. */
export async function signalHeat(
  cluster: Cluster,
  deployment: unknown,
  body: unknown,
  ca?: string,
): Promise<Reply> {
  const inputs = inputsOf(deployment);
  const projectId = inputs['deploy_project_id'] ?? '';
  const user = { id: inputs['deploy_user_id'], password: inputs['deploy_password'] };
  const authToken = await token(inputs['deploy_auth_url'] ?? '', user, { project: { id: projectId } }, ca);
  const stack = `${cluster.stack.around.origins.heat}/v1/${projectId}/stacks/${inputs['deploy_stack_id'] ?? ''}`;
  return await call(`${stack}/resources/${inputs['deploy_resource_name'] ?? ''}/signal`, {
    method: 'POST',
    headers: { 'X-Auth-Token': authToken },
    body,
    ca,
  });
}

/** Sends CFN_SIGNAL, which needs only the address. */
export async function signalCfn(deployment: unknown, body: unknown, ca?: string): Promise<Reply> {
  const url = inputsOf(deployment)['deploy_signal_id'] ?? '';
  return await call(url, { method: 'POST', body, ca });
}
