import { randomUUID } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Request, Service } from './exchange.ts';
import type { Effect, Faults } from './faults.ts';
import type { Handler } from './router.ts';

export type Listener = { origin: string; close(): Promise<void> };

export type ListenOptions = {
  service: Service;
  /** The clock of the answers' dates. */
  now: () => number;
  tls: { key: string; cert: string } | undefined;
  faults: Faults;
  /** Called for each request once its result is known; status 0: no answer was sent. */
  log: (entry: { service: Service; method: string; path: string; status: number }) => void;
};

/** Starts one service on a free loopback port. */
export async function listen(options: ListenOptions, handler: Handler): Promise<Listener> {
  const stopped = new AbortController();
  const sockets = new Set<Socket>();
  const serve: http.RequestListener = (incoming, outgoing) => {
    answerOne(options, handler, stopped.signal, incoming, outgoing).catch(() => incoming.destroy());
  };
  const server = options.tls ? https.createServer(options.tls, serve) : http.createServer(serve);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('listening on no port');
  return {
    origin: `${options.tls ? 'https' : 'http'}://127.0.0.1:${address.port}`,
    close: async () => {
      stopped.abort();
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function answerOne(
  { service, now, faults, log }: ListenOptions,
  handler: Handler,
  stopped: AbortSignal,
  incoming: http.IncomingMessage,
  outgoing: http.ServerResponse,
): Promise<void> {
  const target = incoming.url ?? '/';
  const [path = '/', query = ''] = target.split(/\?(.*)/s);
  const method = incoming.method ?? 'GET';
  const entry = { service, method, path: target };
  const request: Request = {
    service,
    method,
    path,
    headers: incoming.headers,
    query: new URLSearchParams(query),
    body: await text(incoming),
  };

  const effect = faults.strike({ service, method, target });
  const silent = (): void => log({ ...entry, status: 0 });
  if (effect?.kind === 'reset' && effect.when === 'before') return (silent(), resetConnection(incoming));
  if (effect?.kind === 'delay') await sleep(effect.ms, undefined, { signal: stopped });
  const answer = effect?.kind === 'answer' ? replacement(effect) : await handler(request);
  if (effect?.kind === 'hang') return silent();
  if (effect?.kind === 'reset') return (silent(), resetConnection(incoming));

  const sent = effect?.kind === 'transform' ? effect.change(answer) : answer;
  log({ ...entry, status: sent.status });
  outgoing.setHeader('Date', new Date(now()).toUTCString());
  await send(outgoing, sent, effect, stopped);
}

const replacement = ({ status, headers, body }: Extract<Effect, { kind: 'answer' }>): Answer => ({
  status: status ?? 200,
  headers: headers ?? {},
  body: body ?? '',
});

// A crashed peer or a load balancer sends RST; FIN would be a regular end.
const resetConnection = (incoming: http.IncomingMessage): void => {
  incoming.socket.resetAndDestroy();
};

async function send(
  outgoing: http.ServerResponse,
  answer: Answer,
  effect: Effect | undefined,
  stopped: AbortSignal,
): Promise<void> {
  const body = Buffer.from(answer.body);
  const headers = {
    'Content-Length': String(body.length),
    'x-openstack-request-id': `req-${randomUUID()}`,
    ...answer.headers,
  };
  if (answer.reason === undefined) outgoing.writeHead(answer.status, headers);
  else outgoing.writeHead(answer.status, answer.reason, headers);
  if (effect?.kind === 'cut') {
    outgoing.write(body.subarray(0, Math.floor(body.length / 2)), () => outgoing.socket?.end());
    return;
  }
  if (effect?.kind === 'drip') {
    for (let offset = 0; offset < body.length && !outgoing.destroyed; offset += effect.bytes) {
      outgoing.write(body.subarray(offset, offset + effect.bytes));
      await sleep(effect.ms, undefined, { signal: stopped });
    }
    outgoing.end();
    return;
  }
  outgoing.end(body);
}
