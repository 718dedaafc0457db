import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';

export type CallOptions = {
  method?: string;
  headers?: Record<string, string>;
  /** A string is sent unchanged, anything else as JSON. */
  body?: unknown;
  ca?: string | undefined;
};

export type Reply = { status: number; headers: http.IncomingHttpHeaders; text: string };

/** Sends one request on a connection of its own, which is closed afterwards. */
export async function call(
  url: string,
  { method = 'GET', headers = {}, body, ca }: CallOptions = {},
): Promise<Reply> {
  const sent = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
  const type = typeof body === 'object' ? { 'Content-Type': 'application/json' } : {};
  return await new Promise((resolve, reject) => {
    const options = { method, headers: { ...type, ...headers }, agent: false };
    const answered = (response: http.IncomingMessage): void => {
      collect(response).then(resolve, reject);
    };
    const request = url.startsWith('https:')
      ? https.request(url, { ...options, ...(ca === undefined ? {} : { ca }) }, answered)
      : http.request(url, options, answered);
    request.once('error', reject);
    request.end(sent);
  });
}

async function collect(response: http.IncomingMessage): Promise<Reply> {
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: await text(response),
  };
}
