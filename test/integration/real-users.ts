import * as v from 'valibot';
import { call, type Reply } from '../cloud/call.ts';
import { token } from '../cloud/client.ts';
import { at, parseObject } from '../cloud/exchange.ts';

/** The `openstack` client's settings of a real cloud's administrator. */
export const Rc = v.object({
  OS_AUTH_URL: v.string(),
  OS_USERNAME: v.string(),
  OS_PASSWORD: v.string(),
  OS_PROJECT_NAME: v.string(),
  OS_USER_DOMAIN_ID: v.string(),
  OS_PROJECT_DOMAIN_ID: v.string(),
});

/** The administrator of a real cloud, who owns its clusters, and other new users. @param mark makes names unique */
export async function usersOf(rc: v.InferOutput<typeof Rc>, mark: string) {
  const domain = { id: rc.OS_PROJECT_DOMAIN_ID };
  const owner = async (): Promise<string> =>
    await token(
      rc.OS_AUTH_URL,
      { name: rc.OS_USERNAME, password: rc.OS_PASSWORD, domain: { id: rc.OS_USER_DOMAIN_ID } },
      { project: { name: rc.OS_PROJECT_NAME, domain } },
    );
  const headers = { 'X-Auth-Token': await owner() };
  const ask = async (path: string, method = 'GET', body?: unknown): Promise<Reply> =>
    await call(`${rc.OS_AUTH_URL}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
  const make = async (kind: string, values: Record<string, string>): Promise<string> => {
    const body = { [kind]: { ...values, domain_id: domain.id } };
    return text(at(parseObject((await ask(`/${kind}s`, 'POST', body)).text), kind, 'id'));
  };
  const only = async (kind: string, name: string): Promise<string> => {
    const list = at(parseObject((await ask(`/${kind}?name=${name}`)).text), kind);
    return text(at(Array.isArray(list) ? list[0] : undefined, 'id'));
  };
  const projects = {
    here: await only('projects', rc.OS_PROJECT_NAME),
    elsewhere: await make('project', { name: `elsewhere-${mark}` }),
  };
  return {
    owner,
    newUser: async (role: 'member' | 'reader', where: keyof typeof projects): Promise<string> => {
      const password = 'secret';
      const id = await make('user', { name: `${where}-${role}-${mark}`, password });
      const granted = `/projects/${projects[where]}/users/${id}/roles/${await only('roles', role)}`;
      await ask(granted, 'PUT');
      return await token(rc.OS_AUTH_URL, { id, password }, { project: { id: projects[where] } });
    },
  };
}

const text = (value: unknown): string => {
  if (typeof value !== 'string') throw new Error('Keystone did not give what was asked for');
  return value;
};
