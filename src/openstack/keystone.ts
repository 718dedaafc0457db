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
  /** The endpoint of a service type, without a trailing slash: the public one, unless the login names another side. */
  endpoint(type: string): string;
  /** The names of the roles that the token has, so far as Keystone tells them. */
  roles: readonly string[];
  /** Who has logged in, as Keystone names the user. */
  user?: { name: string; domain: string };
};

export type Keystone = {
  /** A valid session: the one of an earlier login while its token lives, or a new one. */
  login(login: Login, abort: AbortSignal): Promise<Session>;
  /**
   * Runs `use` with a session; when the service finds the token unauthorized (it expired early, or keys were
   * rotated) logs in once more and runs it again.
   */
  authorized<T>(login: Login, abort: AbortSignal, use: (session: Session) => Promise<T>): Promise<T>;
};

/** A token is not used in its last minute: the request must arrive while it lives. */
const MARGIN_MS = 60_000;

/** Each deployment has a user of its own, who is not heard of again: a poll, a trust and a few of these are in use. */
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

/** The catalogue lists all services of the cloud: an entry of another shape is of a service that is not asked here. */
const Service = v.object({ type: v.string(), endpoints: v.array(v.unknown()) });
const Endpoint = v.object({
  interface: v.string(),
  url: v.pipe(v.string(), v.nonEmpty()),
  region_id: v.optional(v.unknown()),
  region: v.optional(v.unknown()),
});
const Role = v.object({ name: v.string() });

/**
 * Keystone v3 logins; login.ts has their forms.
 */
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
        // Requests side by side fail together: only the first of them throws the session away.
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
    throw new AgentError('login-refused', `${what}: Keystone said ${answer.status} ${said(answer)}`, {
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
    // Both dates are the cloud's own, so the node's clock does not matter.
    lifetimeMs: Date.parse(expires) - (issued ? Date.parse(issued) : clock.now()),
  };
}

const unexpected = (what: string, status: number): AgentError =>
  new AgentError('bad-answer', `${what}: the answer (${status}) is not a Keystone token`, {
    reason: 'not-a-token',
  });

/** AUTH_URL as nodes have it (`/v3`, `/v3/`, `/v2.0` or nothing at its end) to the v3 address. */
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
  // A catalogue from a templated backend has `region` alone.
  const found = open.find((endpoint) => !region || (endpoint.region_id || endpoint.region) === region);
  if (!found) {
    const where = region ? ` in region ${region}` : '';
    throw new AgentError('cloud-refused', `Keystone's catalogue has no ${side} ${type} endpoint${where}`, {
      reason: 'no-endpoint',
    });
  }
  return withoutSlash(found.url);
}
