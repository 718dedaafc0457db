import type { Origins } from './catalog.ts';
import { at, json, parseObject, type Answer, type Request } from './exchange.ts';
import { keystoneUnavailable, unauthorized } from './heat-answers.ts';
import type { Identity, Token } from './identity.ts';
import { queueOf, type Message, type Queues } from './queues.ts';
import { createRouter, type Handler, type Params } from './router.ts';

/** The maximum number of bytes of a request that posts messages. */
const LARGEST_POST = 262_144;

/** Zaqar's messaging API, version 2, https://docs.openstack.org/api-ref/message/ . */
export function createZaqar(hands: { identity: Identity; origins: Origins; queues: Queues }): Handler {
  const { identity, origins, queues } = hands;

  const inQueue =
    (use: (queue: string, request: Request, path: string, params: Params) => Answer) =>
    (request: Request, params: Params): Answer => {
      const token = identity.check(request.headers['x-auth-token']);
      if (!token) return unauthorized(origins.keystone);
      if (identity.isBroken(token)) return keystoneUnavailable();
      const fault = clientFault(request.headers['client-id']);
      if (fault) return fault;
      const name = params['queue'] ?? '';
      return use(queueOf(projectOf(token), name), request, `/v2/queues/${name}`, params);
    };

  const described = (message: Message, path: string): unknown => {
    const { id, body, ttl, claim } = message;
    const href = `${path}/messages/${id}${claim ? `?claim_id=${claim.id}` : ''}`;
    return { id, href, ttl, age: queues.ageOf(message), body };
  };

  const post = inQueue((queue, request, path) => {
    if (Buffer.byteLength(request.body) > LARGEST_POST)
      return invalid(`Message collection size is too large. Max size ${LARGEST_POST}`);
    const messages = at(parseObject(request.body), 'messages');
    if (!Array.isArray(messages)) return invalid('No messages were found in the request body.');
    const bodies = messages.map((one: unknown) => ({ body: at(one, 'body'), ttl: Number(at(one, 'ttl')) }));
    const posted = queues.post(queue, bodies, String(request.headers['client-id']));
    const ids = posted.map(({ id }) => id);
    const resources = ids.map((id) => `${path}/messages/${id}`);
    return json(201, { resources }, { Location: `${path}/messages?ids=${ids.join(',')}` });
  });

  const list = inQueue((queue, { query, headers }, path) => {
    const echo = query.get('echo') === 'true';
    const wanted = query.get('include_claimed') === 'true' ? queues.all(queue) : queues.free(queue);
    const messages = wanted
      .filter(({ client }) => echo || client !== headers['client-id'])
      .slice(0, limitOf(query, 10));
    const last = messages.at(-1);
    const href = `${path}/messages?limit=${limitOf(query, 10)}&echo=${echo}&marker=${last?.id ?? ''}`;
    return json(200, {
      messages: messages.map((message) => described(message, path)),
      links: last ? [{ rel: 'next', href }] : [],
    });
  });

  const show = inQueue((queue, _request, path, { message: id = '' }) => {
    const message = queues.all(queue).find((one) => one.id === id);
    if (message) return json(200, described(message, path));
    return json(404, { title: 'Not found', description: `Message ${id} does not exist` });
  });

  const remove = inQueue((queue, { query }) => {
    const ids = query.get('ids')?.split(',').filter(Boolean) ?? [];
    if (ids.length === 0)
      return invalid(
        'The request should have either "ids" or "pop" parameter in the request, to be able to delete.',
      );
    queues.remove(queue, ids);
    return nothing();
  });

  const claim = inQueue((queue, { query, body }, path) => {
    const limit = limitOf(query, 10);
    if (!(limit >= 1 && limit <= 20))
      return invalid('Limit must be at least 1 and may not be greater than 20.');
    const seconds = Number(at(parseObject(body), 'ttl') ?? 300);
    if (!(seconds >= 60 && seconds <= 43_200))
      return invalid(
        'The TTL for a claim may not exceed 43200 seconds, and must be at least 60 seconds long.',
      );
    const { id, messages } = queues.claim(queue, seconds, limit);
    if (messages.length === 0) return nothing();
    const shown = messages.map((message) => described(message, path));
    return json(201, { messages: shown }, { Location: `${path}/claims/${id}` });
  });

  const release = inQueue((queue, _request, _path, { claim: id = '' }) => {
    queues.release(queue, id);
    return nothing();
  });

  const queuePath = '^/v2/queues/(?<queue>[^/]+)';
  return createRouter(
    [
      { method: 'POST', path: new RegExp(`${queuePath}/messages$`), handle: post },
      { method: 'GET', path: new RegExp(`${queuePath}/messages$`), handle: list },
      { method: 'DELETE', path: new RegExp(`${queuePath}/messages$`), handle: remove },
      { method: 'GET', path: new RegExp(`${queuePath}/messages/(?<message>[^/]+)$`), handle: show },
      { method: 'POST', path: new RegExp(`${queuePath}/claims$`), handle: claim },
      { method: 'DELETE', path: new RegExp(`${queuePath}/claims/(?<claim>[^/]+)$`), handle: release },
    ],
    {
      unknownPath: () => json(404, { title: '404 Not Found' }),
      wrongMethod: () => json(405, { title: '405 Method Not Allowed' }),
    },
  );
}

const projectOf = ({ project }: Token): string => project?.id ?? '';

const limitOf = (query: URLSearchParams, otherwise: number): number =>
  Number(query.get('limit') ?? otherwise);

// A Zaqar with messages in Redis accepts only this version of UUID.
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function clientFault(id: string | string[] | undefined): Answer | undefined {
  if (id === undefined)
    return json(400, {
      title: 'Missing header value',
      description: 'The "Client-ID" header is required.',
    });
  if (UUID.test(String(id))) return undefined;
  return json(400, { title: 'Wrong UUID value', description: 'Malformed hexadecimal UUID.' });
}

const invalid = (description: string): Answer => json(400, { title: 'Invalid API request', description });

const nothing = (): Answer => ({ status: 204, headers: {}, body: '' });
