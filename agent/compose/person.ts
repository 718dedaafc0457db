import { systemClock } from '../../src/base/clock.ts';
import type { Secrets } from '../../src/base/secrets.ts';
import { createHttp } from '../../src/openstack/http.ts';
import { createKeystone, type Session } from '../../src/openstack/keystone.ts';
import { type ClusterSummary, createMagnum } from '../../src/openstack/magnum.ts';
import { readStackOutputs, type StackOutputs } from '../../src/openstack/stack-outputs.ts';
import type { Log } from '../events.ts';
import type { Cluster } from '../hands.ts';
import { findCloud } from './clouds.ts';
import { connectionOfPerson } from './connection.ts';
import { readPersonLogin } from './person-login.ts';

/** What a person's login needs. */
type Person = { env: NodeJS.ProcessEnv; log: Log; secrets: Secrets };

/**
 * Opens a cluster for a person outside of the node, with the login of OS_CLOUD or the OS_* variables; part of the
 * composition root. Nothing is retried, because a person is waiting.
 *
 * @throws `config` when there is no login, `login-refused`, `cloud-refused` when the cluster does not exist
 */
export async function openPersonsCluster(
  nameOrId: string,
  person: Person,
  abort: AbortSignal,
): Promise<Pick<Cluster, 'readCa' | 'sign'> & ClusterSummary & { close(): void }> {
  return await loggedIn(person, abort, async (session, http) => {
    const magnum = createMagnum(http);
    const at = { magnumUrl: versioned(session.endpoint('container-infra')), token: session.token };
    const summary = await magnum.readCluster(at, nameOrId, abort);
    const access = { ...at, clusterUuid: summary.uuid };
    return {
      ...summary,
      readCa: async (type, believe) => await believe(await magnum.readCa(access, type, abort)),
      sign: async (type, csr, believe) => await believe(await magnum.sign(access, type, csr, abort)),
      close: http.close,
    };
  });
}

export type PersonsStack = StackOutputs;

/**
 * Reads the outputs of a stack with the same login.
 *
 * @param stack name, id or `name/id`
 * @throws `config` when there is no login, `login-refused`, `cloud-refused` when the stack does not exist
 */
export async function readPersonsStack(
  stack: string,
  person: Person,
  abort: AbortSignal,
): Promise<PersonsStack> {
  return await loggedIn(person, abort, async (session, http) => {
    const outputs = await readStackOutputs(http, session, stack, abort);
    http.close();
    return outputs;
  });
}

/** Logs a person in. Closes the connections if `use` fails. */
async function loggedIn<T>(
  { env, log, secrets }: Person,
  abort: AbortSignal,
  use: (session: Session, http: ReturnType<typeof createHttp>) => Promise<T>,
): Promise<T> {
  const { login, ...settings } = readPersonLogin(await findCloud(env));
  const http = createHttp(await connectionOfPerson(settings, env, { log, secrets }));
  try {
    return await use(await createKeystone({ http, clock: systemClock, secrets }).login(login, abort), http);
  } catch (error) {
    http.close();
    throw error;
  }
}

/** Appends the API version: some catalogues list Magnum without it. */
export const versioned = (url: string): string => (/\/v\d+$/.test(url) ? url : `${url}/v1`);
