import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import type { HttpOptions } from '../../../src/openstack/http.ts';
import { createOpenSocket, type Socket } from '../../../src/openstack/web-socket.ts';
import { NEVER } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const NO_PROXY = { http: undefined, https: undefined, no: undefined };

/** Starts a server of websockets. */
async function listen(): Promise<{ url: string; accepted: Promise<WebSocket> }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  const port = address && typeof address === 'object' ? address.port : 0;
  const accepted = new Promise<WebSocket>((resolve) => {
    server.once('connection', resolve);
  });
  return { url: `ws://127.0.0.1:${port}`, accepted };
}

/** Starts an HTTP server, and returns its port. */
async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return address && typeof address === 'object' ? address.port : 0;
}

/** Opens a socket, and collects its events. */
async function open(url: string, over: Partial<HttpOptions> = {}, abort = NEVER) {
  const events: string[] = [];
  let told: (() => void) | undefined;
  const note = (event: string): void => {
    events.push(event);
    told?.();
  };
  const options = { deadlineMs: 2000, ca: () => undefined, verify: true, proxy: NO_PROXY, ...over };
  const socket: Socket = await createOpenSocket(options)(
    'listening',
    url,
    {
      text: note,
      pong: () => {
        note('(pong)');
      },
      closed: (why) => {
        note(why);
      },
    },
    abort,
  );
  return {
    socket,
    events,
    until: async (count: number) => {
      while (events.length < count)
        await new Promise<void>((resolve) => {
          told = resolve;
        });
      return events;
    },
  };
}

test('sends and receives texts, and ignores binary frames', async () => {
  const { url, accepted } = await listen();
  const { socket, until } = await open(url);
  const peer = await accepted;
  const heard = once(peer, 'message');
  socket.send('é');
  expect(String((await heard)[0])).toBe('é');
  peer.send(Buffer.from('binary'));
  peer.send('ü');
  socket.ping();
  expect(await until(2)).toEqual(['ü', '(pong)']);
});

test('says once how the socket was closed, and survives a later send', async () => {
  const { url, accepted } = await listen();
  const { socket, events, until } = await open(url);
  (await accepted).close(4001, 'enough');
  const [why] = await until(1);
  expect(why).toContain('4001');
  expect(why).toContain('enough');
  socket.send('late');
  socket.ping();
  socket.close();
  expect(events).toHaveLength(1);
});

test('goes through the proxy that is configured', async () => {
  const sockets = new WebSocketServer({ noServer: true });
  const asked: (string | undefined)[] = [];
  const proxy = createServer();
  proxy.on('upgrade', (request, client, head) => {
    asked.push(request.url);
    sockets.handleUpgrade(request, client, head, (socket) => {
      socket.send('welcome');
    });
  });
  const port = await portOf(proxy);
  const { socket, until } = await open('ws://zaqar.example:9000/v2', {
    proxy: { ...NO_PROXY, http: `http://127.0.0.1:${port}` },
  });
  expect(await until(1)).toEqual(['welcome']);
  socket.close();
  expect(asked).toEqual(['http://zaqar.example:9000/v2']);
});

test('rejects an address that is not one of a websocket, before it connects', async () => {
  expect(await agentErrorOf(open('http://127.0.0.1:1'))).toMatchObject({ code: 'cloud-refused' });
});

test('reports a server that is away, or speaks no websocket', async () => {
  expect(await agentErrorOf(open('ws://127.0.0.1:1'))).toMatchObject({ code: 'cloud-unreachable' });
  const plain = createServer((_, response) => response.end('hello'));
  const port = await portOf(plain);
  expect(await agentErrorOf(open(`ws://127.0.0.1:${port}`))).toMatchObject({ code: 'cloud-unreachable' });
});

test('stops connecting with the program', async () => {
  const { url } = await listen();
  expect(await agentErrorOf(open(url, {}, AbortSignal.abort()))).toMatchObject({ code: 'aborted' });
});
