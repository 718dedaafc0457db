import { AgentError } from '../../src/base/errors.ts';
import { isObject } from '../../src/base/json.ts';
import { isTrue } from '../../src/metadata/heat-params.ts';
import type { Domain, Named, PersonLogin, Side } from '../../src/openstack/login.ts';
import type { CloudEntry } from './clouds.ts';

/** How a person logs in, and which CAs to trust for that. */
export type PersonSettings = { login: PersonLogin; caFile: string | undefined; verify: boolean };

/** Names of keystoneauth's plugins. If no plugin is named, the settings determine the method. */
const METHODS: Readonly<Record<string, PersonLogin['proof']['method']>> = {
  password: 'password',
  v3password: 'password',
  token: 'token',
  v3token: 'token',
  v3applicationcredential: 'application_credential',
};

/**
 * Reads the login that a cloud's settings describe: a password, a token or an application credential of Keystone v3.
 *
 * @throws `config` with the name of the missing setting; no value is quoted
 */
export function readPersonLogin({ name, settings, isEnvironment }: CloudEntry): PersonSettings {
  const auth = isObject(settings['auth']) ? settings['auth'] : {};
  /** Looks for the keys in `auth` first, then beside it. */
  const given = (...keys: readonly string[]): string | undefined =>
    [auth, settings]
      .flatMap((from) => keys.map((key) => textOf(from[key])))
      .find((value) => value !== undefined);
  const need = (...keys: readonly string[]): string => {
    const value = given(...keys);
    if (value === undefined) {
      const [key = ''] = keys;
      const setting = isEnvironment === true ? `OS_${key.toUpperCase()}` : `auth.${key}`;
      throw new AgentError('config', `${name}: ${setting} is missing`, { reason: 'missing' });
    }
    return value;
  };

  const common = given('default_domain', 'default_domain_id');
  const domainOf = (kind: 'user' | 'project'): Domain => {
    const id = given(`${kind}_domain_id`, 'domain_id');
    const byName = given(`${kind}_domain_name`, 'domain_name');
    if (id !== undefined) return { id };
    return byName === undefined ? { id: common ?? 'default' } : { name: byName };
  };
  const namedBy = (kind: 'user' | 'project', id: string | undefined, text: () => string): Named =>
    id === undefined ? { name: text(), domain: domainOf(kind) } : { id };
  const user = (): Named => namedBy('user', given('user_id'), () => need('username', 'user_name'));

  const proofOf = (method: PersonLogin['proof']['method']): PersonLogin['proof'] => {
    if (method === 'token') return { method, token: need('token', 'auth_token') };
    if (method === 'password') return { method, user: user(), password: need('password') };
    const id = given('application_credential_id');
    const credential =
      id === undefined ? { name: need('application_credential_name'), user: user() } : { id };
    return { method, credential, secret: need('application_credential_secret') };
  };
  const scopeOf = (): PersonLogin['scope'] => {
    const trustId = given('trust_id');
    if (trustId !== undefined) return { trustId };
    const id = given('project_id', 'tenant_id');
    return { project: namedBy('project', id, () => need('project_name', 'tenant_name')) };
  };

  const type = given('auth_type') ?? typeFor(given);
  const method = Object.hasOwn(METHODS, type) ? METHODS[type] : undefined;
  if (method === undefined)
    throw new AgentError(
      'config',
      `${name}: auth_type ${type} is not supported; use one of ${Object.keys(METHODS).join(', ')}`,
      { reason: 'auth-type-not-served' },
    );
  return {
    login: {
      authUrl: need('auth_url'),
      proof: proofOf(method),
      scope: method === 'application_credential' ? undefined : scopeOf(),
      region: regionOf(settings),
      side: sideOf(given('interface', 'endpoint_type')),
    },
    caFile: given('cacert'),
    verify: settings['verify'] !== false && settings['verify'] !== 'false' && !isTrue(given('insecure')),
  };
}

const typeFor = (given: (key: string) => string | undefined): string => {
  if (given('application_credential_secret') !== undefined) return 'v3applicationcredential';
  return given('password') === undefined && given('token') !== undefined ? 'token' : 'password';
};

/** Converts a value to text: YAML parses digits as a number, and a password may consist of digits. */
const textOf = (value: unknown): string | undefined => {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
};

/** Returns the selected region, otherwise the first region of the cloud. */
function regionOf({ region_name: chosen, regions }: Record<string, unknown>): string | undefined {
  const all: unknown[] = Array.isArray(regions) ? regions : [];
  const [first] = all;
  const name = Array.isArray(chosen) ? (chosen as unknown[])[0] : textOf(chosen)?.split(',')[0];
  return textOf(name) ?? textOf(isObject(first) ? first['name'] : first);
}

/** Parses an interface name. `publicURL` is the name that Keystone v2 used. */
const sideOf = (text = 'public'): Side => {
  const side = text.replace(/URL$/, '');
  return side === 'internal' || side === 'admin' ? side : 'public';
};
