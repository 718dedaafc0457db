import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openClusterWith } from '../../agent/compose/cluster.ts';
import { openPersonsCluster, versioned } from '../../agent/compose/person.ts';
import { fallbackConfig } from '../../agent/config.ts';
import { CREDENTIAL } from '../../agent/node.ts';
import { createRetry } from '../../src/base/retry.ts';
import { createHttp } from '../../src/openstack/http.ts';
import { createKeystone } from '../../src/openstack/keystone.ts';
import { systemClock } from '../../src/base/clock.ts';
import { EVENTS } from '../../agent/events.ts';
import { codeOf } from '../../src/base/errors.ts';
import { createLog } from '../../src/base/log.ts';
import { createSecrets } from '../../src/base/secrets.ts';
import { isCertificate, pemBlocksIn } from '../../src/base/pem.ts';
import { X509Certificate } from 'node:crypto';
import { call } from '../cloud/call.ts';
import { at, parseObject } from '../cloud/exchange.ts';

/** A person's OS_* variables, with a password, and a cluster in that project. */
export type Person = {
  env: Record<string, string>;
  cluster: { uuid: string; name: string };
  close(): Promise<void>;
};

/** The ways in which a person logs in, tested on any cloud. */
export function personContract(cloud: string, connect: () => Promise<Person>): void {
  describe(`${cloud}: a person`, () => {
    let person: Person;
    beforeAll(async () => {
      person = await connect();
    });
    afterAll(async () => {
      await person.close();
    });

    const { signal: abort } = new AbortController();
    const open = async (env: Record<string, string>, cluster: string) => {
      const secrets = createSecrets();
      const log = createLog({ events: EVENTS, level: 'error', style: 'json', secrets, write: () => true });
      return await openPersonsCluster(cluster, { env, log, secrets }, abort);
    };
    const caOf = async (env: Record<string, string>, cluster: string) => {
      const door = await open(env, cluster);
      try {
        const ca = await door.readCa('kubernetes', (pem) => {
          expect(pemBlocksIn(pem).every(isCertificate)).toBe(true);
          return new X509Certificate(pem);
        });
        return { uuid: door.uuid, name: door.name, subject: ca.subject };
      } finally {
        door.close();
      }
    };
    const found = () => ({ ...person.cluster, subject: `CN=${person.cluster.name}` });

    /** Logs in as a node that has an application credential in place of a trust. */
    const openAsNode = async ({ id, secret }: { id: string; secret: string }) => {
      const [secrets, { OS_AUTH_URL: authUrl = '' }] = [createSecrets(), person.env];
      const http = createHttp({
        deadlineMs: 120_000,
        ca: () => undefined,
        verify: true,
        proxy: { http: undefined, https: undefined, no: undefined },
      });
      const keystone = createKeystone({ http, clock: systemClock, secrets });
      const proof = { method: 'application_credential', credential: { id }, secret } as const;
      const login = { authUrl, proof, scope: undefined, region: undefined, side: 'public' } as const;
      const session = await keystone.login(login, abort);
      const params = new Map([
        ['AUTH_URL', authUrl],
        ['MAGNUM_URL', versioned(session.endpoint('container-infra'))],
        ['CLUSTER_UUID', person.cluster.uuid],
        [CREDENTIAL.id, id],
        [CREDENTIAL.secret, secret],
      ]);
      const retry = createRetry({ clock: systemClock, random: () => 1, onRetry: () => undefined });
      const cluster = await openClusterWith(
        fallbackConfig(),
        keystone,
        http,
        retry,
      )(params, undefined, abort);
      const ca = await cluster.readCa('kubernetes', (pem) => new X509Certificate(pem));
      return { ca: ca.subject, roles: await cluster.roles() };
    };

    /** Keystone's answer to a login with names and a password. */
    const login = async (): Promise<{ token: string; user: string; project: string }> => {
      const {
        OS_AUTH_URL: url,
        OS_USERNAME: name,
        OS_PASSWORD: password,
        OS_PROJECT_NAME: project,
      } = person.env;
      const domain = { id: 'default' };
      const auth = {
        identity: { methods: ['password'], password: { user: { name, domain, password } } },
        scope: { project: { name: project, domain } },
      };
      const answer = await call(`${String(url)}/auth/tokens`, { method: 'POST', body: { auth } });
      const body = parseObject(answer.text);
      return {
        token: String(answer.headers['x-subject-token']),
        user: String(at(body, 'token', 'user', 'id')),
        project: String(at(body, 'token', 'project', 'id')),
      };
    };
    const authUrl = (): Record<string, string> => ({ OS_AUTH_URL: person.env['OS_AUTH_URL'] ?? '' });

    test('finds a cluster by name and by UUID, logged in with a password and names', async () => {
      expect(await caOf(person.env, person.cluster.name)).toEqual(found());
      expect(await caOf(person.env, person.cluster.uuid)).toEqual(found());
    });

    test('logs in with a token and a project id', async () => {
      const { token, project } = await login();
      const env = { ...authUrl(), OS_AUTH_TYPE: 'v3token', OS_TOKEN: token, OS_PROJECT_ID: project };
      expect(await caOf(env, person.cluster.name)).toEqual(found());
    });

    test('logs in with an application credential, by its id, and by its name with its owner', async () => {
      const { token, user } = await login();
      const name = `contract-${systemClock.now().toString(36)}`;
      const secret = 'not guessed by anybody';
      const made = await call(`${person.env['OS_AUTH_URL'] ?? ''}/users/${user}/application_credentials`, {
        method: 'POST',
        headers: { 'X-Auth-Token': token },
        body: { application_credential: { name, secret } },
      });
      expect(made.status).toBe(201);
      const env = {
        ...authUrl(),
        OS_AUTH_TYPE: 'v3applicationcredential',
        OS_APPLICATION_CREDENTIAL_SECRET: secret,
      };
      const id = String(at(parseObject(made.text), 'application_credential', 'id'));
      const { name: cluster } = person.cluster;
      expect(await caOf({ ...env, OS_APPLICATION_CREDENTIAL_ID: id }, cluster)).toEqual(found());
      const byName = { ...env, OS_APPLICATION_CREDENTIAL_NAME: name, OS_USER_ID: user };
      expect(await caOf(byName, cluster)).toEqual(found());
      const wrong = open(
        { ...env, OS_APPLICATION_CREDENTIAL_ID: id, OS_APPLICATION_CREDENTIAL_SECRET: 'x' },
        cluster,
      );
      expect(await wrong.catch(codeOf)).toBe('login-refused');

      const node = openAsNode({ id, secret });
      expect((await node).ca).toBe(found().subject);
      expect((await node).roles).toContain('member');
      expect(await openAsNode({ id, secret: 'x' }).catch(codeOf)).toBe('login-refused');
    });

    test('gets an error for a wrong password, and for a missing cluster', async () => {
      const wrong = open({ ...person.env, OS_PASSWORD: 'wrong' }, person.cluster.name);
      expect(await wrong.catch(codeOf)).toBe('login-refused');
      expect(await open(person.env, 'no-such-cluster').catch(codeOf)).toBe('cloud-refused');
    });
  });
}
