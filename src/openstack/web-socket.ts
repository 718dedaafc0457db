import type { Agent } from 'node:http';
import { WebSocket } from 'ws';
import { AgentError } from '../base/errors.ts';
import { LARGEST_ANSWER } from './answer-body.ts';
import { type HttpOptions, proxiesFor } from './http.ts';

/** Callbacks for whatever a socket receives. */
export type SocketEvents = {
  text(text: string): void;
  pong(): void;
  /** Called once, after all other events. */
  closed(why: string): void;
};

export type Socket = { send(text: string): void; ping(): void; close(): void };

/** Opens a websocket. @throws `cloud-unreachable`, or `aborted` if `abort` fires first */
export type OpenSocket = (
  what: string,
  url: string,
  events: SocketEvents,
  abort: AbortSignal,
) => Promise<Socket>;

/**
 * Creates websockets with the trust and the proxies of all other requests. Node's own websockets accept no CA file, so
 * a package is used; it is loaded when a socket is opened.
 */
export const createOpenSocket =
  ({ deadlineMs, ca, verify, proxy }: HttpOptions): OpenSocket =>
  async (what, url, events, abort) => {
    if (!/^wss?:\/\//.test(url))
      throw new AgentError('cloud-refused', `${url} is not a websocket address`, { task: what });
    const proxyEnv = proxiesFor(new URL(url), proxy);
    const socket = new WebSocket(url, {
      agent: await agentOf(url, { proxyEnv, ca, verify }),
      handshakeTimeout: deadlineMs,
      maxPayload: LARGEST_ANSWER,
      headers: { 'user-agent': 'coe-agent' },
    });
    socket.on('message', (data, isBinary) => {
      if (!isBinary && Buffer.isBuffer(data)) events.text(data.toString('utf8'));
    });
    socket.on('pong', events.pong);
    await new Promise<void>((resolve, reject) => {
      const give = (error: AgentError): void => {
        socket.terminate();
        reject(error);
      };
      const stop = (): void => {
        give(new AgentError('aborted', 'stopped', { task: what }));
      };
      if (abort.aborted) stop();
      abort.addEventListener('abort', stop, { once: true });
      socket.once('open', () => {
        abort.removeEventListener('abort', stop);
        resolve();
      });
      // Also handles later errors: an `error` without a listener ends the program; `close` follows it.
      socket.on('error', (cause) => {
        abort.removeEventListener('abort', stop);
        give(new AgentError('cloud-unreachable', cause.message, { task: what, cause }));
      });
    });
    socket.once('close', (code, reason) => {
      events.closed(`the socket was closed (${code}${reason.length > 0 ? `, ${reason.toString()}` : ''})`);
    });
    return {
      send: (text) => {
        socket.send(text, ignored);
      },
      ping: () => {
        socket.ping(undefined, undefined, ignored);
      },
      close: () => {
        socket.terminate();
      },
    };
  };

/** A failed send shows up as a missing answer. */
const ignored = (): void => undefined;

async function agentOf(
  url: string,
  { proxyEnv, ca, verify }: Pick<HttpOptions, 'ca' | 'verify'> & { proxyEnv: NodeJS.ProcessEnv },
): Promise<Agent> {
  if (url.startsWith('ws:')) return new (await import('node:http')).Agent({ proxyEnv });
  const trusted = ca();
  return new (await import('node:https')).Agent({
    proxyEnv,
    rejectUnauthorized: verify,
    ...(trusted === undefined ? {} : { ca: trusted }),
  });
}
