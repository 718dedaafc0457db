import { AgentError } from '../base/errors.ts';

type Request = {
  what: string;
  method: string;
  url: string;
  headers?: Record<string, string>;
  body?: string;
};
type Answer = { status: number; headers: Record<string, string> };

/** More than any service needs; stops a loop early. */
const MOST = 5;

/** The methods that each status preserves; 301, 302 and 303 would turn any other method into a GET. */
const MOVED: Readonly<Record<number, ReadonlySet<string>>> = {
  301: new Set(['GET', 'HEAD']),
  302: new Set(['GET', 'HEAD']),
  303: new Set(['GET', 'HEAD']),
  307: new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']),
  308: new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']),
};

/**
 * Follows redirects. Returns a redirect that would turn a write into a GET as the answer. Follows to another origin
 * only a GET without credentials and body: neither leaves the intended origin, and no other origin can acknowledge a
 * write.
 *
 * @throws `bad-answer` for a redirect from TLS to plain text, to another origin, in a loop, or to an address that is
 * not http
 */
export async function followed<R extends Request, A extends Answer>(
  asked: R,
  once: (request: R) => Promise<A>,
): Promise<A> {
  let request = asked;
  for (let count = 0; ; count += 1) {
    const answer = await once(request);
    const to = answer.headers['location'];
    if (to === undefined || MOVED[answer.status]?.has(request.method) !== true) return answer;
    const refused: Refused = (reason, why) =>
      new AgentError('bad-answer', `${answer.status} redirects ${why}`, { task: asked.what, reason });
    if (count === MOST) throw refused('too-many-redirects', `more than ${MOST} times`);
    request = { ...request, url: target(request, to, refused) };
  }
}

type Refused = (reason: string, why: string) => AgentError;

function target(request: Request, location: string, refused: Refused): string {
  const from = new URL(request.url);
  const to = URL.parse(location, from);
  if (to === null || !/^https?:$/.test(to.protocol))
    throw refused('no-http-address', 'to an address that is not http');
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw refused('out-of-tls', `from TLS to plain text at ${to.origin}`);
  if (!isSameOrigin(from, to) && !carriesNothing(request))
    throw refused(
      'other-origin',
      `to ${to.origin}, another origin: neither credentials nor a body are sent there`,
    );
  return to.href;
}

/** An upgrade of the same host to TLS counts as the same origin. */
const isSameOrigin = (from: URL, to: URL): boolean =>
  from.origin === to.origin || (from.hostname === to.hostname && from.port === '' && to.port === '');

/** Headers that reveal only which version the client has. */
const CONDITIONS = new Set(['if-none-match', 'if-modified-since']);

const carriesNothing = ({ method, headers = {}, body }: Request): boolean =>
  method === 'GET' &&
  body === undefined &&
  Object.keys(headers).every((name) => CONDITIONS.has(name.toLowerCase()));
