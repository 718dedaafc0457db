import { at, parseObject } from './exchange.ts';
import { call } from './call.ts';
import type { User } from './identity.ts';

/** Runs `openstack coe ca rotate`: a login by name and a PATCH. Throws Magnum's words if it is rejected. */
export async function rotateCa(
  cloud: { authUrl: string; magnumUrl: string; caPem: string | undefined },
  user: User,
  project: string,
  clusterUuid: string,
): Promise<void> {
  const domain = { name: user.domain.name };
  const password = { user: { name: user.name, domain, password: user.password } };
  const scope = { project: { name: project, domain } };
  const login = await call(`${cloud.authUrl}/auth/tokens`, {
    method: 'POST',
    ca: cloud.caPem,
    body: { auth: { identity: { methods: ['password'], password }, scope } },
  });
  const token = login.headers['x-subject-token'];
  if (typeof token !== 'string') throw new Error(`logging in as ${user.name}: ${login.status} ${login.text}`);
  const reply = await call(`${cloud.magnumUrl}/certificates/${clusterUuid}`, {
    method: 'PATCH',
    ca: cloud.caPem,
    body: {},
    headers: { 'X-Auth-Token': token, 'OpenStack-API-Version': 'container-infra latest' },
  });
  if (reply.status !== 202 || at(parseObject(reply.text), 'uuid') !== clusterUuid)
    throw new Error(`rotating the CA of cluster ${clusterUuid}: ${reply.status} ${reply.text}`);
}
