import { AgentError } from '../base/errors.ts';

type Request = { what: string; method: string; url: string; headers?: Record<string, string> };
type Answer = { status: number; headers: Record<string, string> };

/** More than any service needs; a circle is noticed soon. */
const MOST = 5;

/** Whether a method may be sent to another address unchanged; 301, 302 and 303 turn any other into a GET. */
const MOVED: Readonly<Record<number, ReadonlySet<string>>> = {
  301: new Set(['GET', 'HEAD']),
  302: new Set(['GET', 'HEAD']),
  303: new Set(['GET', 'HEAD']),
  307: new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']),
  308: new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']),
};

/**
 * Asks where an answer says that it has moved to. What was to be changed somewhere is never turned into a
 * question: such an answer is the caller's. A token goes to no other host than the one it was meant for.
 *
 * @throws `cloud-refused` when it leads from TLS to plain text, in a circle, or to no address at all
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
    if (count === MOST)
      throw new AgentError('cloud-refused', `${asked.what}: sent elsewhere more than ${MOST} times`);
    request = moved(request, to);
  }
}

function moved<R extends Request>(request: R, location: string): R {
  const from = new URL(request.url);
  const to = URL.parse(location, from);
  if (to === null || !/^https?:$/.test(to.protocol))
    throw new AgentError('cloud-refused', `${request.what}: sent to something that is no http address`);
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw new AgentError('cloud-refused', `${request.what}: sent from TLS to plain text at ${to.origin}`);
  if (to.host === from.host) return { ...request, url: to.href };
  const { 'x-auth-token': _, ...headers } = request.headers ?? {};
  return { ...request, url: to.href, headers };
}
