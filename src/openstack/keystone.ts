import type { Clock } from '../base/clock.ts';
import { AgentError, codeOf } from '../base/errors.ts';
import { fitting, parseJson } from '../base/json.ts';
import { createRecent } from '../base/recent.ts';
import type { Secrets } from '../base/secrets.ts';
import { createSingleFlight } from '../base/single-flight.ts';
import * as v from 'valibot';
import { withoutSlash } from '../base/url.ts';
import type { Http } from './http.ts';
import { authOf, describeLogin, type Login, secretOf, type Side } from './login.ts';
import { said, statusError, statusReason } from './status.ts';

export type Session = {
  token: string;
  /**
   * Returns the endpoint of a service type, without a trailing slash: the public one unless the login selects another
   * interface.
   */
  endpoint(type: string): string;
  /** Names of the token's roles, as far as Keystone reports them. */
  roles: readonly string[];
  /** The logged-in user, as Keystone names it. */
  user?: { name: string; domain: string };
};

export type Keystone = {
  /** Returns a valid session: of an earlier login while its token is valid, or a new one. */
  login(login: Login, abort: AbortSignal): Promise<Session>;
  /**
   * Runs `use` with a session. If the service rejects the token (expired early, or keys were rotated), logs in again
   * and retries once.
   */
  authorized<T>(login: Login, abort: AbortSignal, use: (session: Session) => Promise<T>): Promise<T>;
};

/** A token is not used in its last minute, so that it is valid when the request arrives. */
const MARGIN_MS = 60_000;

/**
 * Number of cached sessions. Each deployment has its own user, which is not used again; a poll, a trust and a few of
 * these are in use.
 */
const SESSIONS = 8;

const User = v.object({ name: v.string(), domain: v.object({ id: v.string() }) });

const TokenBody = v.object({
  token: v.object({
    expires_at: v.string(),
    issued_at: v.nullish(v.string()),
    catalog: v.fallback(v.array(v.unknown()), []),
    roles: v.fallback(v.array(v.unknown()), []),
    user: v.fallback(v.optional(User), undefined),
  }),
});

/**
 * The catalogue lists all services of the cloud. Entries of another shape belong to services that are not used here.
 */
const Service = v.object({ type: v.string(), endpoints: v.array(v.unknown()) });
const Endpoint = v.object({
  interface: v.string(),
  url: v.pipe(v.string(), v.nonEmpty()),
  region_id: v.optional(v.unknown()),
  region: v.optional(v.unknown()),
});
const Role = v.object({ name: v.string() });

/** Keystone v3 logins; login.ts builds the requests. */
export function createKeystone(hands: { http: Http; clock: Clock; secrets: Secrets }): Keystone {
  const sessions = createRecent<{ session: Session; usableUntil: number }>(SESSIONS);
  const once = createSingleFlight<Session>();

  const login = async (wanted: Login, abort: AbortSignal): Promise<Session> => {
    const key = JSON.stringify(wanted);
    const known = sessions.get(key);
    if (known && known.usableUntil > hands.clock.elapsed()) return known.session;
    return await once(key, async () => {
      const { session, lifetimeMs } = await requestToken(hands, wanted, abort);
      sessions.set(key, { session, usableUntil: hands.clock.elapsed() + lifetimeMs - MARGIN_MS });
      return session;
    });
  };

  return {
    login,
    authorized: async (wanted, abort, use) => {
      const session = await login(wanted, abort);
      try {
        return await use(session);
      } catch (error) {
        if (codeOf(error) !== 'unauthorized') throw error;
        const key = JSON.stringify(wanted);
        // Concurrent requests fail together: only the first of them deletes the session.
        if (sessions.get(key)?.session === session) sessions.delete(key);
        return await use(await login(wanted, abort));
      }
    },
  };
}

async function requestToken(
  { http, secrets, clock }: { http: Http; secrets: Secrets; clock: Clock },
  login: Login,
  abort: AbortSignal,
): Promise<{ session: Session; lifetimeMs: number }> {
  const base = identityV3(login.authUrl);
  const what = `logging in at ${base} as ${describeLogin(login)}`;
  secrets.addPassing(secretOf(login));
  const answer = await http({
    what,
    method: 'POST',
    url: `${base}/auth/tokens`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth: authOf(login) }),
    abort,
  });
  if (answer.status === 401 || answer.status === 403 || answer.status === 404)
    throw new AgentError('login-refused', `Keystone said ${answer.status} ${said(answer)}`, {
      task: what,
      reason: statusReason(answer),
    });
  if (answer.status !== 201)
    throw answer.status >= 200 && answer.status < 300
      ? unexpected(what, answer.status)
      : statusError(what, answer);

  const token = answer.headers['x-subject-token'];
  const body = v.safeParse(TokenBody, parseJson(answer.text, what, 'bad-answer'));
  if (!token || !body.success) throw unexpected(what, answer.status);
  secrets.addPassing(token);
  const { expires_at: expires, issued_at: issued, catalog, roles, user } = body.output.token;
  return {
    session: {
      token,
      endpoint: (type) => findEndpoint(catalog, type, login.region, 'side' in login ? login.side : 'public'),
      roles: fitting(Role, roles).map(({ name }) => name),
      ...(user && { user: { name: user.name, domain: user.domain.id } }),
    },
    // Both dates are from the cloud's clock, so the node's clock does not matter.
    lifetimeMs: Date.parse(expires) - (issued ? Date.parse(issued) : clock.now()),
  };
}

const unexpected = (what: string, status: number): AgentError =>
  new AgentError('bad-answer', `the answer (${status}) is not a Keystone token`, {
    task: what,
    reason: 'not-a-token',
  });

/** Converts AUTH_URL as found on nodes (ending in `/v3`, `/v3/`, `/v2.0` or nothing) to the v3 address. */
export const identityV3 = (authUrl: string): string =>
  `${withoutSlash(authUrl).replace(/\/v(?:2\.0|3)$/, '')}/v3`;

function findEndpoint(
  catalog: readonly unknown[],
  type: string,
  region: string | undefined,
  side: Side,
): string {
  const open = fitting(Service, catalog)
    .filter((service) => service.type === type)
    .flatMap((service) => fitting(Endpoint, service.endpoints))
    .filter((endpoint) => endpoint.interface === side);
  // A catalogue from a templated backend has only `region`.
  const found = open.find((endpoint) => !region || (endpoint.region_id || endpoint.region) === region);
  if (!found) {
    const where = region ? ` in region ${region}` : '';
    throw new AgentError('cloud-refused', `Keystone's catalogue has no ${side} ${type} endpoint${where}`, {
      reason: 'no-endpoint',
    });
  }
  return withoutSlash(found.url);
}
