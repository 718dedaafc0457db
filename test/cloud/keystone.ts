import { randomBytes } from 'node:crypto';
import { catalog, type Origins } from './catalog.ts';
import { at, hexId, json, parseObject, type Answer, type Request } from './exchange.ts';
import type { Identity, Refusal, Scope, Token, User } from './identity.ts';
import { createRouter, type Handler, type Params } from './router.ts';

/** Keystone v3 with the password method, https://docs.openstack.org/api-ref/identity/v3/ . */
export function createKeystone({ identity, origins }: { identity: Identity; origins: Origins }): Handler {
  const login = (request: Request): Answer => {
    const body = parseObject(request.body);
    if (!body || request.body === '') return badRequest('Expecting to find valid JSON in request body.');
    if (!('auth' in body)) return badRequest('Expecting to find auth in request body.');
    if (at(body, 'auth', 'identity') === undefined) return badRequest("'identity' is a required property");
    const token = authenticate(identity, body);
    if ('refused' in token) return refusal(token.refused, origins);
    return json(201, { token: describe(token, origins) }, { 'X-Subject-Token': token.id, ...vary });
  };

  const subject = (request: Request, use: (token: Token) => Answer): Answer => {
    if (!identity.check(request.headers['x-auth-token'])) return refusal(401, origins);
    const token = identity.check(request.headers['x-subject-token']);
    return token ? use(token) : failure(404, 'Not Found', 'Could not recognize Fernet token');
  };

  /** For a user itself: https://docs.openstack.org/api-ref/identity/v3/#application-credentials */
  const makeCredential = (request: Request, { user: id = '' }: Params): Answer => {
    const token = identity.check(request.headers['x-auth-token']);
    const user = identity.findUser(id);
    if (!token?.project || user?.id !== token.user.id) return refusal(token ? 403 : 401, origins);
    const asked = at(parseObject(request.body), 'application_credential');
    const name = String(at(asked, 'name'));
    const secret = String(at(asked, 'secret'));
    const made = identity.addApplicationCredential({ name, secret, user, project: token.project });
    return json(
      201,
      { application_credential: { id: made.id, name, secret, project_id: token.project.id } },
      vary,
    );
  };

  return createRouter(
    [
      {
        method: 'POST',
        path: /^\/v3\/users\/(?<user>[^/]+)\/application_credentials$/,
        handle: makeCredential,
      },
      { method: 'GET', path: /^\/?$/, handle: () => versions(origins) },
      { method: 'GET', path: /^\/v3\/?$/, handle: () => json(200, { version: version(origins) }, vary) },
      { method: 'POST', path: /^\/v3\/auth\/tokens$/, handle: login },
      {
        method: 'GET',
        path: /^\/v3\/auth\/tokens$/,
        handle: (request) =>
          subject(request, (token) =>
            json(200, { token: describe(token, origins) }, { 'X-Subject-Token': token.id, ...vary }),
          ),
      },
      {
        method: 'DELETE',
        path: /^\/v3\/auth\/tokens$/,
        handle: (request) =>
          subject(request, (token) => {
            identity.revoke(token.id);
            return { status: 204, headers: vary, body: '' };
          }),
      },
    ],
    {
      unknownPath: ({ path }) => (path.includes('//') ? redirect(origins, path) : notFound()),
      wrongMethod: notFound,
    },
  );
}

const vary = { Vary: 'X-Auth-Token' };

function authenticate(identity: Identity, body: unknown): Token | Refusal {
  const method = (name: string): unknown => at(body, 'auth', 'identity', name);
  const scope = scopeOf(body);
  const credential = method('application_credential');
  if (credential !== undefined) {
    const user = findUser(identity, at(credential, 'user'));
    return identity.loginWithCredential(
      { id: at(credential, 'id'), name: at(credential, 'name'), user },
      at(credential, 'secret'),
    );
  }
  const token = method('token');
  if (token !== undefined) {
    const known = identity.check(String(at(token, 'id')));
    return known ? identity.loginWithToken(known, scope) : { refused: 401 };
  }
  const asked = at(method('password'), 'user');
  return identity.login(findUser(identity, asked), at(asked, 'password'), scope);
}

function findUser(identity: Identity, asked: unknown): User | undefined {
  const [id, name] = [at(asked, 'id'), at(asked, 'name')];
  if (typeof id === 'string') return identity.findUser(id);
  const domain = at(asked, 'domain', 'id') ?? at(asked, 'domain', 'name');
  return typeof name === 'string' && typeof domain === 'string'
    ? identity.findUserByName(name, domain)
    : undefined;
}

function scopeOf(body: unknown): Scope {
  const text = (...path: string[]): string => {
    const value = at(body, 'auth', 'scope', ...path);
    return typeof value === 'string' ? value : '';
  };
  if (text('OS-TRUST:trust', 'id') !== '') return { kind: 'trust', id: text('OS-TRUST:trust', 'id') };
  if (text('project', 'id') !== '') return { kind: 'project', id: text('project', 'id') };
  if (text('project', 'name') === '') return { kind: 'none' };
  const domain = text('project', 'domain', 'id') || text('project', 'domain', 'name');
  return { kind: 'project-name', name: text('project', 'name'), domain };
}

const micro = (ms: number): string => new Date(ms).toISOString().replace(/\.(\d+)Z$/, '.$1000Z');

function describe(token: Token, origins: Origins): unknown {
  const { user, project, trust } = token;
  return {
    methods: ['password'],
    user: { domain: user.domain, id: user.id, name: user.name, password_expires_at: null },
    audit_ids: [randomBytes(16).toString('base64url')],
    expires_at: micro(token.expiresAt),
    issued_at: micro(token.issuedAt),
    ...(trust && {
      'OS-TRUST:trust': {
        id: trust.id,
        trustor_user: { id: trust.trustor.id },
        trustee_user: { id: trust.trustee.id },
        impersonation: true,
      },
    }),
    ...(project && {
      project: { domain: project.domain, id: project.id, name: project.name },
      ...(trust ? {} : { is_domain: false }),
      roles: token.roles.map((name) => ({ id: hexId(), name })),
      catalog: catalog(origins, project.id),
    }),
  };
}

const version = ({ keystone }: Origins): unknown => ({
  id: 'v3.14',
  status: 'stable',
  updated: '2020-04-07T00:00:00Z',
  links: [{ rel: 'self', href: `${keystone}/v3/` }],
  'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
});

const versions = (origins: Origins): Answer =>
  json(300, { versions: { values: [version(origins)] } }, { Location: `${origins.keystone}/v3/`, ...vary });

const failure = (code: number, title: string, message: string, headers = {}): Answer =>
  json(code, { error: { code, message, title } }, { ...vary, ...headers });

const refusal = (status: 401 | 403, { keystone }: Origins): Answer =>
  status === 403
    ? failure(403, 'Forbidden', 'You are not authorized to perform the requested action.')
    : failure(401, 'Unauthorized', 'The request you have made requires authentication.', {
        'WWW-Authenticate': `Keystone uri="${keystone}/v3"`,
      });

const badRequest = (what: string): Answer =>
  failure(
    400,
    'Bad Request',
    `${what} The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.`,
  );

const page = (status: number, title: string, headers = {}): Answer => ({
  status,
  headers: { 'Content-Type': 'text/html; charset=utf-8', ...vary, ...headers },
  body: `<!doctype html>\n<html lang=en>\n<title>${status} ${title}</title>\n<h1>${title}</h1>\n`,
});

const notFound = (): Answer => page(404, 'Not Found');

const redirect = ({ keystone }: Origins, path: string): Answer =>
  page(308, 'Redirecting...', { Location: `${keystone}${path.replaceAll(/\/{2,}/g, '/')}` });
