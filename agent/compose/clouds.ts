import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { AgentError, errnoOf } from '../../src/base/errors.ts';
import { isObject, mergeDeep } from '../../src/base/json.ts';
import { parseConfigFile } from '../config/yaml.ts';

/** One cloud of clouds.yaml, or the OS_* variables instead. Keys are written with `_`. */
export type CloudEntry = {
  /** The name used in messages. */
  name: string;
  settings: Record<string, unknown>;
  /** The settings come from the OS_* variables. */
  isEnvironment?: true;
};

const CloudsFile = v.looseObject({ clouds: v.optional(v.record(v.string(), v.looseObject({})), {}) });

/** Variables that select a cloud or a file. Alone, they do not describe a cloud. */
const SELECTORS = new Set([
  'OS_CLOUD',
  'OS_REGION_NAME',
  'OS_CLIENT_CONFIG_FILE',
  'OS_CLIENT_SECURE_FILE',
  'OS_CLOUD_NAME',
]);
/** Variables of test frameworks. */
const FOREIGN = /^OS_(?:TEST|STD|LOG)/;

/**
 * Selects the cloud by the rules of openstacksdk
 * (https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html): the one that OS_CLOUD names;
 * otherwise the OS_* variables; otherwise the only cloud of clouds.yaml. Merges secure.yaml over clouds.yaml.
 *
 * @throws `config` when there is no cloud, or a file cannot be read
 */
export async function findCloud(env: NodeJS.ProcessEnv): Promise<CloudEntry> {
  const files = [
    await firstOf('clouds', env['OS_CLIENT_CONFIG_FILE'], env),
    await firstOf('secure', env['OS_CLIENT_SECURE_FILE'], env),
  ].filter((file) => file !== undefined);
  const clouds = files.reduce<Record<string, unknown>>((all, file) => mergeDeep(all, file.clouds), {});
  const names = Object.keys(clouds);
  const where = files.map(({ path }) => path).join(', ');

  const fromEnv = settingsOf(env);
  const own = env['OS_CLOUD_NAME'] || 'envvars';
  const name = env['OS_CLOUD'] || (fromEnv ? own : names.length === 1 ? names[0] : undefined);
  if (name === undefined)
    throw new AgentError(
      'config',
      names.length === 0
        ? 'no login: set OS_CLOUD to a cloud of clouds.yaml, or OS_AUTH_URL and the other OS_* variables'
        : `OS_CLOUD is not set, and ${where} has several clouds: ${names.join(', ')}`,
      { reason: names.length === 0 ? 'no-login' : 'several-clouds' },
    );
  if (name === own && fromEnv) return { name: 'the environment', settings: fromEnv, isEnvironment: true };
  const settings = Object.hasOwn(clouds, name) ? clouds[name] : undefined;
  if (!isObject(settings))
    throw new AgentError(
      'config',
      `OS_CLOUD=${name}: ${where === '' ? 'clouds.yaml does not exist' : `${where} has only ${names.join(', ')}`}`,
      { reason: 'unknown-cloud' },
    );
  const region = env['OS_REGION_NAME'];
  const chosen = region ? { region_name: region } : {};
  return { name: `the cloud ${name} (${where})`, settings: mergeDeep(normalized(settings), chosen) };
}

/** Returns the login of the OS_* variables; undefined if they only select a cloud. */
function settingsOf(env: NodeJS.ProcessEnv): Record<string, unknown> | undefined {
  const names = Object.keys(env).filter((name) => name.startsWith('OS_') && !FOREIGN.test(name));
  if (names.every((name) => SELECTORS.has(name))) return undefined;
  return Object.fromEntries(names.map((name) => [name.slice('OS_'.length).toLowerCase(), env[name]]));
}

const normalized = (settings: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [
      key.replaceAll('-', '_'),
      key === 'auth' && isObject(value) ? normalized(value) : value,
    ]),
  );

/** Lists the directories that openstacksdk searches, in its order. */
function directoriesOf({ HOME: home, XDG_CONFIG_HOME: xdg }: NodeJS.ProcessEnv): string[] {
  const own = home === undefined ? [] : [join(home, '.config/openstack')];
  return ['.', ...(xdg ? [join(xdg, 'openstack')] : []), ...own, '/etc/xdg/openstack', '/etc/openstack'];
}

type Found = { path: string; clouds: Record<string, unknown> };

async function firstOf(
  stem: string,
  named: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<Found | undefined> {
  const usual = directoriesOf(env).flatMap((directory) =>
    ['yaml', 'yml', 'json'].map((suffix) => resolve(directory, `${stem}.${suffix}`)),
  );
  for (const path of [...(named ? [named] : []), ...usual]) {
    const text = await readIfThere(path);
    if (text === undefined) continue;
    const { clouds } = v.parse(CloudsFile, parseConfigFile(path, text, CloudsFile, { whole: true }));
    return { path, clouds };
  }
  return undefined;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    // Skip a file that this user may not read, as openstacksdk does: it belongs to another user.
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errnoOf(cause) ?? '')) return undefined;
    throw new AgentError('config', `${path} cannot be read`, { cause });
  }
}
