import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { WebSocketServer, type WebSocket } from 'ws';
import { at, parseObject } from './exchange.ts';
import type { Identity } from './identity.ts';
import { queueOf, type Queues } from './queues.ts';

export type ZaqarSocket = {
  /** `ws:` or `wss:`. */
  readonly origin: string;
  /** The number of sockets with a subscription. */
  readonly subscribed: number;
  /** Closes every socket, as a restart does. */
  drop(): void;
  /** Refuses clients from now on, or no longer. */
  refuse(really: boolean): void;
  /** Stops answering on any socket from now on, or no longer, like a peer that disappeared silently. */
  silence(really: boolean): void;
  close(): Promise<void>;
};

type Hands = {
  identity: Identity;
  queues: Queues;
  tls: { key: string; cert: string } | undefined;
  /** Called after a subscription, and after the end of a socket. */
  changed: () => void;
};

/** Zaqar's websocket, restricted to authentication and subscription; its frames are those of a real one. */
export async function startZaqarSocket({ identity, queues, tls, changed }: Hands): Promise<ZaqarSocket> {
  const server = tls ? createTlsServer(tls) : createServer();
  let [refusing, silent] = [false, false];
  const sockets = new WebSocketServer({ server, verifyClient: () => !refusing, autoPong: false });
  /** The subscribed queue of each socket. */
  const subscriptions = new Map<WebSocket, string>();

  queues.onPost((queue, messages) => {
    for (const [socket, wanted] of subscriptions)
      if (wanted === queue && !silent)
        for (const { body, ttl } of messages)
          socket.send(
            JSON.stringify({ ttl, body, Message_Type: 'Notification', queue_name: queue.split('/')[1] }),
          );
  });

  sockets.on('connection', (socket) => {
    let project: string | undefined;
    socket.on('ping', () => {
      if (!silent) socket.pong();
    });
    socket.on('close', () => {
      subscriptions.delete(socket);
      changed();
    });
    socket.on('message', (data: Buffer) => {
      if (silent) return;
      const request = parseObject(data.toString());
      const action = at(request, 'action');
      const answer = (status: number, body: unknown): void => {
        socket.send(JSON.stringify({ request: { ...request, api: 'v2' }, body, headers: { status } }));
      };
      if (action === 'authenticate') {
        const token = identity.check(String(at(request, 'headers', 'X-Auth-Token')));
        project = token?.project?.id;
        if (token) answer(200, { message: 'Authentified.' });
        else answer(401, { error: 'Authentication failed.' });
      } else if (project === undefined || at(request, 'headers', 'X-Project-ID') !== project)
        answer(403, { error: 'Not authentified.' });
      else if (action === 'subscription_create') {
        const name = String(at(request, 'body', 'queue_name'));
        if (subscriptions.has(socket)) return answer(409, `Subscription ${name} not created.`);
        subscriptions.set(socket, queueOf(project, name));
        answer(201, { subscription_id: 'one', message: `Subscription ${name} created.` });
        changed();
      } else answer(400, { error: `${String(action)} is not a valid action` });
    });
  });

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('listening on no port');
  const drop = (): void => {
    for (const socket of sockets.clients) socket.close(1012, 'restarting');
  };
  return {
    origin: `${tls ? 'wss' : 'ws'}://127.0.0.1:${address.port}`,
    get subscribed() {
      return subscriptions.size;
    },
    drop,
    refuse: (really) => {
      refusing = really;
    },
    silence: (really) => {
      silent = really;
    },
    close: async () => {
      for (const socket of sockets.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
