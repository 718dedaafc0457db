import * as v from 'valibot';
import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { withDeadline } from '../base/clock.ts';
import { AgentError, errnoOf } from '../base/errors.ts';

/** The largest answer that is read, in bytes; metadata is the largest thing a cloud sends us. */
export const LARGEST_ANSWER = 16 * 1024 * 1024;

export type HttpRequest = {
  /** What is being done, for messages: "logging in at http://..." */
  what: string;
  method: 'GET' | 'POST' | 'PUT' | 'HEAD';
  url: string;
  headers?: Record<string, string>;
  body?: string;
  signal: AbortSignal;
};

export type HttpAnswer = {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  text: string;
};

/** One attempt, with a deadline. Any status is an answer; no answer is `cloud-unreachable`. */
export type Http = (request: HttpRequest) => Promise<HttpAnswer>;

export type HttpOptions = {
  deadlineMs: number;
  /** PEM certificates to trust; undefined: the ones that Node trusts. */
  ca: string | undefined;
  /** VERIFY_CA of heat-params: only the node's own parameters may switch it off. */
  verify: boolean;
  proxy: { http: string | undefined; https: string | undefined; no: string | undefined };
  /** Told each Date header of the cloud, for the clock check. */
  onDate?: (date: string) => void;
};

export function createHttp(options: HttpOptions): Http & { close(): Promise<void> } {
  const dispatcher = createDispatcher(options);

  const http = async (asked: HttpRequest): Promise<HttpAnswer> => {
    try {
      const answer = await request(asked.url, {
        dispatcher,
        method: asked.method,
        headers: { accept: 'application/json', 'user-agent': 'coe-agent', ...asked.headers },
        ...(asked.body === undefined ? {} : { body: asked.body }),
        signal: withDeadline(asked.signal, options.deadlineMs),
      });
      const headers = flatten(answer.headers);
      if (headers['date'] !== undefined) options.onDate?.(headers['date']);
      return { status: answer.statusCode, headers, text: await readBounded(answer.body, asked.what) };
    } catch (error) {
      if (error instanceof AgentError) throw error;
      if (asked.signal.aborted) throw new AgentError('aborted', `${asked.what}: stopped`, { cause: error });
      throw new AgentError('cloud-unreachable', `${asked.what}: ${reason(error, options.deadlineMs)}`, {
        cause: error,
      });
    }
  };
  return Object.assign(http, { close: async () => await dispatcher.destroy() });
}

function createDispatcher({ ca, verify, proxy }: HttpOptions): Dispatcher {
  const connect = { rejectUnauthorized: verify, ...(ca === undefined ? {} : { ca }) };
  if (proxy.http === undefined && proxy.https === undefined) return new Agent({ connect });
  return new EnvHttpProxyAgent({
    connect,
    requestTls: connect,
    ...(proxy.http === undefined ? {} : { httpProxy: proxy.http }),
    ...(proxy.https === undefined ? {} : { httpsProxy: proxy.https }),
    ...(proxy.no === undefined ? {} : { noProxy: proxy.no }),
  });
}

async function readBounded(body: AsyncIterable<Uint8Array>, what: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > LARGEST_ANSWER)
      throw new AgentError(
        'bad-answer',
        `${what}: the answer is larger than ${LARGEST_ANSWER / 1024 / 1024} MiB`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const flatten = (headers: Record<string, string | string[] | undefined>): Record<string, string> => {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  return flat;
};

const reasons: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  ENOTFOUND: 'no such host name',
  EHOSTUNREACH: 'no route to the host',
  ETIMEDOUT: 'the connection timed out',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'its certificate is signed by itself and not trusted here (ca_file names whom to trust)',
  SELF_SIGNED_CERT_IN_CHAIN:
    'its certificate comes from a CA that is not trusted here (ca_file names whom to trust)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate comes from a CA that is not trusted here (ca_file names whom to trust)',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its certificate comes from a CA that is not trusted here (ca_file names whom to trust)',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

function reason(error: unknown, deadlineMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${deadlineMs / 1000} s`;
  const code = errnoOf(error) ?? ('code' in error && typeof error.code === 'string' ? error.code : '');
  return reasons[code] ?? error.message;
}

/**
 * What a status that was not hoped for means. 401 is its own code, because a new login may help; 408, 429
 * and 5xx may pass; every other one is a refusal in the service's own words.
 */
export function statusError(what: string, answer: HttpAnswer): AgentError {
  const message = `${what}: ${answer.status} ${said(answer)}`.trimEnd();
  const options = { retryAfterMs: retryAfterMs(answer.headers['retry-after']) };
  if (answer.status === 401) return new AgentError('unauthorized', message);
  if (answer.status === 408 || answer.status === 429 || answer.status >= 500)
    return new AgentError('cloud-unreachable', message, options);
  return new AgentError('cloud-refused', message);
}

/** The service's own words: the message of an OpenStack error body, or the start of whatever came. */
export function said(answer: HttpAnswer): string {
  const body = v.safeParse(v.pipe(v.string(), v.parseJson(), ErrorBody), answer.text);
  const words = body.success ? (body.output.detail ?? body.output.message ?? body.output.title) : undefined;
  const text = words ?? answer.text.replaceAll(/<[^>]*>/g, ' ');
  const line = text.replaceAll(/\s+/g, ' ').trim();
  // Cut between words: half a token is not recognized as a secret, but it is half a token.
  return line.length <= 300 ? line : `${line.slice(0, 297).replace(/\S+$/, '')}...`;
}

// Keystone and Heat: {error: {message}}, Magnum: {errors: [{title, detail}]}
const Words = v.object({
  detail: v.optional(v.string()),
  message: v.optional(v.string()),
  title: v.optional(v.string()),
});
const ErrorBody = v.union([
  v.pipe(
    v.object({ error: Words }),
    v.transform(({ error }) => error),
  ),
  v.pipe(
    v.object({ errors: v.tupleWithRest([Words], v.unknown()) }),
    v.transform(({ errors }) => errors[0]),
  ),
]);

function retryAfterMs(header: string | undefined): number {
  const seconds = Number(header ?? 0);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 300) * 1000 : 0;
}
