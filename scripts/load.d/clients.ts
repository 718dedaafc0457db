import type { Agent } from 'node:https';
import { type Credentials, readCredentials } from './credentials.ts';
import type { Description, Identity, Target } from './description.ts';
import { AttemptFailed, failureOf, failureOfStatus, type Outcome } from './outcome.ts';
import { type Call, keptConnection, type Reply, send } from './request.ts';
import type { Subject } from './tally.ts';

/** An action that is attempted repeatedly. */
export type Attempt = {
  subject: Subject;
  everyMs: number;
  /** undefined: it cannot start yet. */
  make(): Promise<{ outcome: Outcome } | undefined>;
};

/** Kubernetes' minimum, and longer than any run. */
const SHORT_SECONDS = 600;
const LONG_SECONDS = 86_400;
const NAMESPACE = '/api/v1/namespaces/default';

/** Plain clients of the API: Node's own TLS and HTTP, as in programs without client-go. */
export function plainAttempts(
  target: Target,
  identity: Identity,
  { aggregated }: Pick<Description, 'aggregated'>,
): Attempt[] {
  const kept = keptConnection();
  // Like a pod's: from the start, signed with the key at that time.
  let keptToken: string | undefined;
  const name = `coe-load-${identity.name}-${target.name}`.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-');
  const attempt = (
    does: string,
    everyMs: number,
    run: (credentials: Credentials) => Promise<Outcome>,
  ): Attempt => ({
    subject: { client: 'plain', does, at: target.name, as: identity.name },
    everyMs,
    make: async () => {
      const credentials = await readCredentials(identity);
      return credentials && { outcome: await run(credentials).catch(failureOf) };
    },
  });
  const ask = async (credentials: Credentials, call: Call): Promise<Reply> =>
    await send(target, credentials, call);
  const read =
    (path: string, agent?: Agent) =>
    async (credentials: Credentials): Promise<Outcome> => {
      const { status, text } = await ask(credentials, { path, ...(agent && { agent }) });
      return failureOfStatus(status, text);
    };

  return [
    attempt('read', 1000, read(NAMESPACE)),
    attempt('read, kept connection', 1000, read(NAMESPACE, kept)),
    ...(aggregated === undefined ? [] : [attempt('read, aggregated', 1000, read(aggregated))]),
    attempt(
      'write',
      2000,
      async (credentials) => await write(name, async (call) => await ask(credentials, call)),
    ),
    attempt('new token', 5000, async (credentials) => {
      const made = await newToken(async (call) => await ask(credentials, call), SHORT_SECONDS);
      return 'failure' in made ? made.failure : await show(made.token, target, credentials);
    }),
    attempt('kept token', 2000, async (credentials) => {
      if (keptToken === undefined) {
        const made = await newToken(async (call) => await ask(credentials, call), LONG_SECONDS);
        if ('failure' in made) return made.failure;
        keptToken = made.token;
      }
      return await show(keptToken, target, credentials);
    }),
  ];
}

type Ask = (call: Call) => Promise<Reply>;

/** Increments a counter in a config map, and reads it back. */
async function write(name: string, ask: Ask): Promise<Outcome> {
  const value = String(Date.now());
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } };
  const path = `${NAMESPACE}/configmaps/${name}`;
  const merge = { 'content-type': 'application/merge-patch+json' };
  const patched = await ask({ method: 'PATCH', path, headers: merge, body: map });
  const written =
    patched.status === 404
      ? await ask({ method: 'POST', path: `${NAMESPACE}/configmaps`, body: map })
      : patched;
  const failure = failureOfStatus(written.status, written.text);
  if (failure) return failure;
  const back = await ask({ path });
  if (back.status === 200 && !back.text.includes(value))
    throw new AttemptFailed('wrong answer', 'the written object is missing');
  return failureOfStatus(back.status, back.text);
}

/** Presents a token. A valid one identifies a known user, whatever its rights: 403 is a success here, 401 is not. */
async function show(bearer: string, target: Target, { authorities }: Credentials): Promise<Outcome> {
  const headers = { authorization: `Bearer ${bearer}` };
  const { status, text } = await send(target, { authorities }, { path: NAMESPACE, headers });
  return status === 403 ? undefined : failureOfStatus(status, text);
}

/** Requests a token of the default service account. */
async function newToken(ask: Ask, lifeSeconds: number): Promise<{ token: string } | { failure: Outcome }> {
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: lifeSeconds },
  };
  const { status, text } = await ask({
    method: 'POST',
    path: `${NAMESPACE}/serviceaccounts/default/token`,
    body,
  });
  const { token } = /"token":\s*"(?<token>[^"]+)"/.exec(text)?.groups ?? {};
  if (token !== undefined) return { token };
  return { failure: failureOfStatus(status, text) ?? { why: 'wrong answer', detail: 'no token' } };
}
