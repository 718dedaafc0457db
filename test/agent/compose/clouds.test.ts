import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { findCloud } from '../../../agent/compose/clouds.ts';
import { type PersonSettings, readPersonLogin } from '../../../agent/compose/person-login.ts';
import { agentErrorOf, faultIn } from '../../src/support/outcome-of.ts';

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'coe-home-'));
  onTestFinished(async () => {
    await rm(home, { recursive: true, force: true });
  });
});

const write = async (name: string, text: string): Promise<void> => {
  const path = join(home, '.config/openstack', name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
};
const read = async (env: Record<string, string> = {}): Promise<PersonSettings> =>
  readPersonLogin(await findCloud({ HOME: home, ...env }));

const AUTH =
  'auth: { auth_url: https://keystone.example/v3, username: alice, password: pw, project_name: demo }';
const PERSON = {
  authUrl: 'https://keystone.example/v3',
  proof: { method: 'password', user: { name: 'alice', domain: { id: 'default' } }, password: 'pw' },
  scope: { project: { name: 'demo', domain: { id: 'default' } } },
  region: undefined,
  side: 'public',
};

const UNKNOWN = { code: 'config', reason: 'unknown-cloud' };

describe('the chosen cloud', () => {
  test('is the only one of clouds.yaml without OS_CLOUD', async () => {
    await write('clouds.yaml', `clouds: { one: { ${AUTH} } }`);
    expect(await read()).toEqual({ login: PERSON, caFile: undefined, verify: true });
  });

  test('is named by OS_CLOUD among several, which are listed without it', async () => {
    await write('clouds.yaml', `clouds: { one: { ${AUTH} }, two: { ${AUTH}, region_name: west } }`);
    expect((await read({ OS_CLOUD: 'two' })).login.region).toBe('west');
    const { code, reason, message } = await agentErrorOf(read());
    expect({ code, reason }).toEqual({ code: 'config', reason: 'several-clouds' });
    for (const name of ['one', 'two']) expect(message).toContain(name);
    expect(await faultIn(read({ OS_CLOUD: 'constructor' }))).toEqual(UNKNOWN);
  });

  test('needs more than OS_REGION_NAME or OS_CLIENT_CONFIG_FILE', async () => {
    await write('clouds.yaml', `clouds: { one: { ${AUTH}, region_name: west } }`);
    expect((await read({ OS_REGION_NAME: 'east' })).login.region).toBe('east');
  });

  test('is taken from OS_CLOUD, then from login variables, then from the only entry of a file', async () => {
    await write('clouds.yaml', `clouds: { one: { ${AUTH} } }`);
    const env = { OS_AUTH_URL: 'http://k', OS_USERNAME: 'bob', OS_PASSWORD: 'x', OS_PROJECT_ID: 'p1' };
    expect((await read(env)).login).toMatchObject({ authUrl: 'http://k', scope: { project: { id: 'p1' } } });
    expect((await read({ ...env, OS_CLOUD: 'one' })).login).toEqual(PERSON);
    expect((await read({ ...env, OS_CLOUD: 'envvars' })).login.authUrl).toBe('http://k');
  });

  test('must exist and have a login', async () => {
    expect(await faultIn(read())).toEqual({ code: 'config', reason: 'no-login' });
    expect(await faultIn(read({ OS_CLOUD: 'one' }))).toEqual(UNKNOWN);
  });
});

describe('the files', () => {
  test('are merged: secure.yaml over clouds.yaml', async () => {
    await write('clouds.yaml', `clouds: { one: { ${AUTH.replace(', password: pw', '')} } }`);
    await write('secure.yaml', 'clouds: { one: { auth: { password: 12345 } } }');
    expect((await read()).login.proof).toMatchObject({ password: '12345' });
  });

  test('are searched at OS_CLIENT_CONFIG_FILE before the usual places, at XDG_CONFIG_HOME before ~/.config', async () => {
    await write('clouds.yaml', `clouds: { one: { ${AUTH}, region_name: usual } }`);
    await write('../../xdg/openstack/clouds.yml', `clouds: { one: { ${AUTH}, region_name: xdg } }`);
    const env = { XDG_CONFIG_HOME: join(home, 'xdg') };
    expect((await read(env)).login.region).toBe('xdg');
    await write(
      'other.json',
      JSON.stringify({
        clouds: { one: { region_name: 'json', auth: { auth_url: 'http://k', token: 't', project_id: 'p' } } },
      }),
    );
    const named = { ...env, OS_CLIENT_CONFIG_FILE: join(home, '.config/openstack/other.json') };
    expect((await read(named)).login).toMatchObject({
      region: 'json',
      proof: { method: 'token', token: 't' },
    });
  });

  test('are reported with the line of invalid YAML', async () => {
    await write('clouds.yaml', 'clouds:\n  one: [');
    const error = await agentErrorOf(read());
    expect(error).toMatchObject({ reason: 'syntax', line: 2 });
    expect(error.message).toContain('clouds.yaml');
  });
});
