import * as v from 'valibot';
import { systemClock } from '../../src/base/clock.ts';
import { createSecrets } from '../../src/base/secrets.ts';
import { createHeat } from '../../src/openstack/heat.ts';
import { createHttp } from '../../src/openstack/http.ts';
import { createKeystone, type Session } from '../../src/openstack/keystone.ts';
import type { NodeLogin } from '../../src/openstack/login.ts';
import { type ClusterAccess, createMagnum } from '../../src/openstack/magnum.ts';
import type { Coordinates } from './coordinates.ts';

const Deployment = v.object({
  id: v.string(),
  name: v.string(),
  group: v.string(),
  creation_time: v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)),
  config: v.unknown(),
  inputs: v.array(v.object({ name: v.string(), type: v.string(), value: v.unknown() })),
  outputs: v.array(v.object({ name: v.string(), type: v.string(), error_output: v.boolean() })),
  options: v.record(v.string(), v.unknown()),
});
export const Metadata = v.object({ deployments: v.array(Deployment), 'os-collect-config': v.unknown() });
const StackBody = v.object({ stack: v.object({ stack_status: v.string() }) });

export type Deployment = v.InferOutput<typeof Deployment>;

export type Doors = ReturnType<typeof openDoors>;

/** Makes the agent's own clients for one cluster, with helpers for tests. */
export function openDoors(at: Coordinates) {
  const http = createHttp({
    deadlineMs: 120_000,
    ca: () => undefined,
    verify: true,
    proxy: { http: undefined, https: undefined, no: undefined },
  });
  const secrets = createSecrets();
  const keystone = createKeystone({ http, clock: systemClock, secrets });
  const [heat, magnum] = [createHeat(http), createMagnum(http)];
  const { signal: abort } = new AbortController();
  const params = at.heat_params;
  const poller = at.servers[0].os_collect_config.heat;

  const trustLogin: NodeLogin = {
    authUrl: params.AUTH_URL,
    userId: params.TRUSTEE_USER_ID,
    password: params.TRUSTEE_PASSWORD,
    scope: { trustId: params.TRUST_ID },
    region: params.REGION_NAME,
  };
  const userLogin = (user: {
    auth_url: string;
    user_id: string;
    password: string;
    project_id: string;
  }): NodeLogin => ({
    authUrl: user.auth_url,
    userId: user.user_id,
    password: user.password,
    scope: { projectId: user.project_id },
    region: poller.region_name,
  });
  const trusted = async (): Promise<Session> => await keystone.login(trustLogin, abort);
  const access = async (): Promise<ClusterAccess> => {
    const { token } = await trusted();
    return { magnumUrl: params.MAGNUM_URL, clusterUuid: at.cluster.uuid, token };
  };
  const metadata = async () => {
    const session = await keystone.login(userLogin(poller), abort);
    const of = { stackId: poller.stack_id, resourceName: poller.resource_name };
    return v.parse(Metadata, JSON.parse(await heat.readMetadata(session, of, abort)));
  };

  return {
    at,
    keystone,
    heat,
    magnum,
    abort,
    poller,
    trustLogin,
    userLogin,
    trusted,
    access,
    metadata,
    /** Sends a request without the agent's clients, with the trust's token. */
    raw: async (method: string, url: string, body?: unknown) => {
      const { token } = await trusted();
      return await fetch(url, {
        method,
        headers: {
          'X-Auth-Token': token,
          'OpenStack-API-Version': 'container-infra latest',
          'Content-Type': 'application/json',
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    },
    stackStatus: async (): Promise<string> => {
      const session = await trusted();
      const url = `${session.endpoint('orchestration')}/stacks/${poller.stack_id}`;
      const reply = await fetch(url, { headers: { 'X-Auth-Token': session.token } });
      return v.parse(StackBody, await reply.json()).stack.stack_status;
    },
    close: http.close,
  };
}

/** The text inputs of a deployment, by name. */
export const inputsOf = ({ inputs }: Deployment): Record<string, string> =>
  Object.fromEntries(
    inputs.flatMap(({ name, value }) => (typeof value === 'string' ? [[name, value] as const] : [])),
  );

/** Repeats a request until the answer is the expected one: a real cloud takes its time. */
export async function eventually<T>(
  ask: () => Promise<T>,
  good: (answer: T) => boolean,
  what: string,
): Promise<T> {
  const end = performance.now() + 120_000;
  for (;;) {
    const answer = await ask();
    if (good(answer)) return answer;
    if (performance.now() > end) throw new Error(`gave up waiting for ${what}: ${JSON.stringify(answer)}`);
    await systemClock.sleep(performance.now() > end - 119_000 ? 500 : 20, new AbortController().signal);
  }
}

/** Waits until the cluster's status follows its stack: Magnum checks every few seconds. */
export async function settled(doors: Doors): Promise<void> {
  const { cluster, heat_params: params } = doors.at;
  const url = `${params.MAGNUM_URL}/clusters/${cluster.uuid}`;
  const ask = async (): Promise<string> => await (await doors.raw('GET', url)).text();
  await eventually(ask, (text) => /"status": ?"\w+_COMPLETE"/.test(text), 'the cluster at rest');
}
