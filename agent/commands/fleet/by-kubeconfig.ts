import { readFile } from 'node:fs/promises';
import { hostOf } from '../../../src/base/address.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { AgentError, reasonOf } from '../../../src/base/errors.ts';
import { printable } from '../../../src/base/printable.ts';
import type { ExecPlugin } from '../../../src/files/kubeconfig-login.ts';
import type { PluginCredential } from '../../../src/services/exec-credential.ts';
import { openKubernetesWith } from '../../compose/kubernetes.ts';
import type { Context } from '../verb.ts';
import { listed } from './list-nodes.ts';
import type { FleetNode } from './source.ts';

type Hands = Pick<Context, 'secrets' | 'world'>;

/** An API server with the identity of a kubeconfig's current context. */
type Identity = {
  server: string;
  ca: string;
  client: { cert: string; key: string } | undefined;
  token: string | undefined;
  /** Used only if there is neither a certificate nor a token, as in kubectl. */
  exec: ExecPlugin | undefined;
};

/**
 * Returns a function that lists the Nodes as the user of a kubeconfig. The function reads the kubeconfig and its files
 * again at each call. It keeps the credential of a plugin until that expires or is rejected.
 *
 * @throws `usage` when the kubeconfig or its plugin cannot be used
 */
export function listerByKubeconfig(
  path: string,
  hands: Hands,
  clock: Pick<Clock, 'now'>,
  abort: AbortSignal,
): () => Promise<FleetNode[]> {
  let kept: { by: string; credential: PluginCredential } | undefined;

  const credentialOf = async ({ exec, server, ca }: Identity): Promise<Partial<PluginCredential>> => {
    if (!exec) return {};
    const by = JSON.stringify([exec, server, ca]);
    const isValid = kept?.by === by && clock.now() < (kept.credential.expiresAt ?? Infinity);
    if (kept && isValid) return kept.credential;
    const { runExecPlugin } = await import('../../../src/services/exec-credential.ts');
    const { world, secrets } = hands;
    const said = (line: string): void => {
      world.stderr.write(`${printable(secrets.redact(line))}\n`);
    };
    const credential = await runExecPlugin(exec, { cluster: { server, ca }, env: world.env, said, abort });
    kept = { by, credential };
    return credential;
  };

  return async () => {
    const identity = await readIdentity(path);
    const isKept = kept !== undefined;
    const list = async (): Promise<FleetNode[]> =>
      await listWith({ ...identity, ...(await credentialOf(identity)) }, path, hands, clock, abort);
    try {
      return await list();
    } catch (error) {
      if (!isKept || reasonOf(error) !== 'http-401') throw error;
      kept = undefined;
      return await list();
    }
  };
}

async function listWith(
  { server, ca, client, token }: Pick<Identity, 'server' | 'ca' | 'client' | 'token'>,
  path: string,
  { secrets }: Hands,
  clock: Pick<Clock, 'now'>,
  abort: AbortSignal,
): Promise<FleetNode[]> {
  secrets.add(client?.key);
  secrets.addPassing(token);
  const url = URL.parse(server);
  if (url?.protocol !== 'https:')
    throw new AgentError('usage', `--kubeconfig: the server of ${path} is no https URL`);
  const open = openKubernetesWith((http) => http, clock.now);
  const api = open({ host: hostOf(url), port: Number(url.port || 443), ca, client, token });
  // A proxy of several clusters has each of them below a path of its own.
  const prefix = url.pathname.endsWith('/') ? url.pathname.slice(0, -1) : url.pathname;
  try {
    return await listed(async (asked) => await api.ask({ ...asked, path: `${prefix}${asked.path}` }), abort);
  } finally {
    api.close();
  }
}

async function readIdentity(path: string): Promise<Identity> {
  const { identityIn, readSource, serverIn } = await import('../../../src/files/kubeconfig-contents.ts');
  const { loginIn } = await import('../../../src/files/kubeconfig-login.ts');
  const text = await read(path);
  const identity = identityIn(path, text);
  const login = loginIn(path, text);
  const ca = await readSource(path, identity.ca, read);
  const cert = await readSource(path, identity.certificate, read);
  const key = await readSource(path, identity.key, read);
  const client = cert === undefined || key === undefined ? undefined : { cert, key };
  const token = await tokenOf(login);
  if (ca === undefined)
    throw new AgentError('usage', `--kubeconfig: ${path} names no CA`, { reason: 'no-ca' });
  if (!client && token === undefined && !login.exec)
    throw new AgentError(
      'usage',
      `--kubeconfig: ${path} has no client certificate with its key, no token and no exec plugin: make one with agent cluster-config`,
      { reason: 'no-credential' },
    );
  const exec = client || token !== undefined ? undefined : login.exec;
  return { server: serverIn(path, text) ?? '', ca, client, token, exec };
}

/** As in kubectl 1.32 (measured), a readable token file overrides the token. */
async function tokenOf({ token, tokenFile }: { token: string | undefined; tokenFile: string | undefined }) {
  if (tokenFile === undefined) return token;
  const written = token === undefined ? await read(tokenFile) : await read(tokenFile).catch(() => token);
  return written.trim();
}

const read = async (file: string): Promise<string> =>
  await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new AgentError('usage', `--kubeconfig: ${file} cannot be read`, { cause });
  });
