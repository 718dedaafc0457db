import { createHash } from 'node:crypto';
import type { Answer, Request } from './exchange.ts';
import type { Handler } from './router.ts';
import { isTempUrl } from './temp-url.ts';

export type StoredObject = { body: string; modified: number };

export type Swift = {
  handler: Handler;
  /** The key that temporary URLs are signed with. */
  key: string;
  put(path: string, body: string): void;
  object(path: string): StoredObject | undefined;
};

/**
 * An object store behind temporary URLs. `written` is asked first what somebody, such as Heat, has by now put at a
 * path; the same content again is not put anew.
 */
export function createSwift(now: () => number, written: (path: string) => string | undefined): Swift {
  const objects = new Map<string, StoredObject>();
  const key = 'temporary';
  const put = (path: string, body: string): void => void objects.set(path, { body, modified: now() });
  const object = (path: string): StoredObject | undefined => {
    const body = written(path);
    if (body !== undefined && body !== objects.get(path)?.body) put(path, body);
    return objects.get(path);
  };
  return {
    key,
    put,
    object,
    handler: async (request) => {
      if (!isTempUrl(request, key, now())) return plain(401, '401 Unauthorized: Temp URL invalid\n');
      if (request.method === 'PUT') {
        put(request.path, request.body);
        return plain(201, '');
      }
      const found = object(request.path);
      return await Promise.resolve(found ? show(found, request) : plain(404, 'Not Found'));
    },
  };
}

/** `Last-Modified` has whole seconds, and is rounded up. */
function show({ body, modified }: StoredObject, { method, headers }: Request): Answer {
  const shown = Math.ceil(modified / 1000) * 1000;
  const tag = createHash('md5').update(body).digest('hex');
  const own = { Etag: tag, 'Last-Modified': new Date(shown).toUTCString() };
  const since = Date.parse(String(headers['if-modified-since']));
  const isKnown = headers['if-none-match'] === undefined ? shown <= since : headers['if-none-match'] === tag;
  if (isKnown) return { status: 304, headers: own, body: '' };
  const length = { 'Content-Length': String(Buffer.byteLength(body)) };
  return { status: 200, headers: { ...own, ...length }, body: method === 'HEAD' ? '' : body };
}

const plain = (status: number, body: string): Answer => ({
  status,
  headers: { 'Content-Type': 'text/html; charset=UTF-8' },
  body,
});
