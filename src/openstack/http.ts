import type { X509Certificate } from 'node:crypto';
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { AgentOptions } from 'node:https';
import { within } from '../base/clock.ts';
import { AgentError, errnoOf, type ErrorCode } from '../base/errors.ts';
import { plainWords, reasonOfFault } from '../base/plain-words.ts';
import { utf8Text } from '../base/utf8.ts';
import { readBody } from './answer-body.ts';
import { isExcepted } from './no-proxy.ts';
import { followed } from './redirect.ts';

/**
 * Node's own HTTP client: a package would add 15 MB to a mostly idle daemon. It is loaded with `getBuiltinModule`,
 * because an `import` reads every export, and some of these load all of `fetch`.
 */
const libraryOf = {
  'http:': () => process.getBuiltinModule('node:http'),
  'https:': () => process.getBuiltinModule('node:https'),
};

/** Of an answer, in bytes. Keystone's PKI tokens arrive in a header and contain the catalogue. */
const LARGEST_HEADERS = 128 * 1024;

export type HttpRequest = {
  /** The operation, for messages: "logging in at http://..." */
  what: string;
  method: 'GET' | 'POST' | 'PUT' | 'HEAD' | 'PATCH' | 'DELETE';
  url: string;
  headers?: Record<string, string>;
  body?: string;
  abort: AbortSignal;
};

export type HttpAnswer = {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  text: string;
};

/** Sends one attempt, with a deadline. Returns any status as an answer; no answer is `cloud-unreachable`. */
export type Http = (request: HttpRequest) => Promise<HttpAnswer>;

export type HttpOptions = {
  deadlineMs: number;
  /** PEM certificates to trust, read when TLS is first used; undefined: Node's own list. */
  ca: () => string | undefined;
  /** VERIFY_CA of heat-params: only the node's own parameters can disable verification. */
  verify: boolean;
  proxy: { http: string | undefined; https: string | undefined; no: string | undefined };
  /** A client certificate, if any, and a check of the server's certificate that replaces `ca` and `verify`. */
  tls?: { cert?: string; key?: string; judge: JudgeServer };
  /** Receives each Date header of the cloud, for the clock check. */
  onDate?: (date: string) => void;
};

/** @returns the reason not to send requests to this server */
export type JudgeServer = (leaf: X509Certificate, host: string) => Error | undefined;

export function createHttp(options: HttpOptions): Http & { close(): void } {
  const agents = createAgents(options);

  const once = async (asked: HttpRequest, abort: AbortSignal): Promise<HttpAnswer> => {
    const answer = await send(asked, agents, abort);
    const headers = flatten(answer.headers);
    if (headers['date'] !== undefined) options.onDate?.(headers['date']);
    const body = await readBody(answer, asked.what);
    // If a transfer is aborted, Node drops the rest of the body and ends it as if it were complete.
    if (abort.aborted) throw new Error('broken off');
    const status = answer.statusCode ?? 0;
    return { status, headers, text: textOf(body, asked, status) };
  };

  const http = async (asked: HttpRequest): Promise<HttpAnswer> =>
    await within(options.deadlineMs, asked.abort, async (limit) => {
      try {
        return await followed(asked, async (request) => await once(request, limit));
      } catch (error) {
        if (error instanceof AgentError) throw error;
        if (asked.abort.aborted)
          throw new AgentError('aborted', 'stopped', { task: asked.what, cause: error });
        const lasting = error instanceof Error ? LASTING[nodeCode(error)] : undefined;
        if (lasting)
          throw new AgentError(lasting.code, inWords(error), { task: asked.what, reason: lasting.reason });
        if (limit.aborted)
          throw new AgentError('cloud-unreachable', `no answer within ${options.deadlineMs / 1000} s`, {
            task: asked.what,
            reason: 'no-answer',
          });
        const reason = error instanceof Error ? reasonOfFault(error) : undefined;
        throw new AgentError('cloud-unreachable', inWords(error), {
          task: asked.what,
          cause: error,
          reason,
        });
      }
    });
  const close = (): void => {
    agents.destroy();
  };
  return Object.assign(http, { close });
}

type Protocol = keyof typeof libraryOf;
type Agents = { of(protocol: Protocol, url: URL): Agent; destroy(): void };

/** Creates one agent per protocol and proxy, on first use: TLS alone is a tenth of an idle daemon's memory. */
function createAgents({ ca, verify, proxy, tls }: HttpOptions): Agents {
  const agents = new Map<string, Agent>();
  const options = {
    // Several requests in a row share a connection; it is closed between polls.
    keepAlive: true,
    timeout: IDLE_CONNECTION_MS,
  };
  const trust = (): AgentOptions => {
    const pem = ca();
    return {
      rejectUnauthorized: verify,
      ...(pem === undefined ? {} : { ca: pem }),
    };
  };
  return {
    of: (protocol, url) => {
      const proxyEnv = proxiesFor(url, proxy);
      const key = `${protocol} ${Object.keys(proxyEnv).join()}`;
      const known = agents.get(key);
      if (known) return known;
      const { Agent: Kind } = libraryOf[protocol]();
      const chosen = { ...options, proxyEnv };
      const agent = new Kind(protocol === 'https:' ? { ...chosen, ...trust() } : chosen);
      if (tls) agent.createConnection = judged(tls);
      agents.set(key, agent);
      return agent;
    },
    destroy: () => {
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

/** Returns the proxies for an address, in the form that Node's agents expect. */
export const proxiesFor = (url: URL, { http, https, no }: HttpOptions['proxy']): NodeJS.ProcessEnv =>
  isExcepted(url, no) ? {} : { HTTP_PROXY: http, HTTPS_PROXY: https };

/** Creates connections whose server is checked before a request is sent. */
const judged =
  ({ judge, ...client }: NonNullable<HttpOptions['tls']>): Agent['createConnection'] =>
  (options, done) => {
    const { connect } = process.getBuiltinModule('node:tls');
    const host = options.host ?? '';
    const socket = connect({ host, port: Number(options.port), ...client, rejectUnauthorized: false });
    const stop = (): void => void socket.destroy(new Error('broken off'));
    options.signal?.addEventListener('abort', stop, { once: true });
    const failed = (error: Error): void => {
      done?.(error, socket);
    };
    socket.once('error', failed);
    socket.once('secureConnect', () => {
      options.signal?.removeEventListener('abort', stop);
      socket.off('error', failed);
      const leaf = socket.getPeerX509Certificate();
      const fault = leaf ? judge(leaf, host) : new Error(`${host} presents no certificate`);
      if (fault) socket.destroy();
      done?.(fault ?? null, socket);
    });
    return undefined;
  };

const IDLE_CONNECTION_MS = 4000;

async function send(
  { what, method, url, headers, body }: HttpRequest,
  agents: Agents,
  abort: AbortSignal,
): Promise<IncomingMessage> {
  const address = URL.parse(url);
  const protocol = address?.protocol;
  if (!address || (protocol !== 'http:' && protocol !== 'https:'))
    throw new AgentError('cloud-refused', 'not an http address', { task: what, reason: 'no-http-address' });
  return await new Promise((resolve, reject) => {
    const options: RequestOptions = {
      agent: agents.of(protocol, address),
      method,
      maxHeaderSize: LARGEST_HEADERS,
      headers: {
        accept: 'application/json',
        'accept-encoding': 'gzip',
        'user-agent': 'coe-agent',
        ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
        ...headers,
      },
      signal: abort,
    };
    const request: ClientRequest = libraryOf[protocol]().request(url, options, resolve);
    request.on('error', reject);
    request.end(body);
  });
}

/** Decodes a body. A requested document must be valid UTF-8; any other body is only shown to people. */
function textOf(body: Buffer, { method, what }: HttpRequest, status: number): string {
  const text = utf8Text(body);
  if (text === undefined && method === 'GET' && status === 200)
    throw new AgentError('bad-answer', 'the answer is not UTF-8', { task: what, reason: 'not-utf-8' });
  return text ?? body.toString('utf8');
}

const flatten = (headers: IncomingMessage['headers']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );

/** Errors that would recur with the same request. */
const LASTING: Readonly<Record<string, { code: ErrorCode; reason: string }>> = {
  HPE_HEADER_OVERFLOW: { code: 'too-large', reason: 'headers-too-large' },
  // For example a line break in a pasted token.
  ERR_INVALID_CHAR: { code: 'cloud-refused', reason: 'invalid-header' },
};

/** Describes an error. The limit of the headers is this program's own, so its message names that. */
function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (nodeCode(error) !== 'HPE_HEADER_OVERFLOW') return plainWords(error);
  return `the headers of the answer are larger than ${LARGEST_HEADERS / 1024} KiB`;
}

const nodeCode = (error: Error): string =>
  errnoOf(error) ?? ('code' in error && typeof error.code === 'string' ? error.code : '');
