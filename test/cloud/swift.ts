import type { Answer, Request } from './exchange.ts';
import type { Objects, StoredObject } from './objects.ts';
import { createRouter, type Handler } from './router.ts';

/** Swift's object API, restricted to temporary URLs, https://docs.openstack.org/api-ref/object-store/ . */
export function createSwift({ objects }: { objects: Objects }): Handler {
  const allowed =
    (use: (request: Request) => Answer) =>
    (request: Request): Answer =>
      objects.allows(request.method, decodeURIComponent(request.path), request.query)
        ? use(request)
        : page(401, '401 Unauthorized: Temp URL invalid', { 'Www-Authenticate': 'Swift realm="unknown"' });

  const read = allowed(({ path, method, headers }) => {
    const object = objects.find(decodeURIComponent(path));
    if (!object) return notFound();
    const facts = factsOf(object);
    if (isUnchanged(object, headers)) return { status: 304, headers: facts, body: '' };
    if (method === 'GET') return { status: 200, headers: facts, body: object.content };
    const length = String(Buffer.byteLength(object.content));
    return { status: 200, headers: { ...facts, 'Content-Length': length }, body: '' };
  });

  const write = allowed(({ path, body }) => {
    if (!objects.hasContainerOf(decodeURIComponent(path))) return notFound();
    const { etag, modified } = objects.put(decodeURIComponent(path), body);
    return page(201, '', { Etag: etag, 'Last-Modified': new Date(modified).toUTCString() });
  });

  const path = /^\/v1\/[^/]+\/[^/]+\/.+$/;
  return createRouter(
    [
      { method: 'GET', path, handle: read },
      { method: 'HEAD', path, handle: read },
      { method: 'PUT', path, handle: write },
    ],
    { unknownPath: notFound, wrongMethod: () => page(405, '<html><h1>Method Not Allowed</h1></html>') },
  );
}

const factsOf = ({ etag, modified }: StoredObject): Record<string, string> => ({
  'Content-Type': 'application/octet-stream',
  Etag: etag,
  'Last-Modified': new Date(modified).toUTCString(),
  'Accept-Ranges': 'bytes',
});

function isUnchanged({ etag, modified }: StoredObject, headers: Request['headers']): boolean {
  const tag = headers['if-none-match'];
  if (tag !== undefined) return tag.replaceAll('"', '') === etag;
  return modified <= Date.parse(headers['if-modified-since'] ?? '');
}

const page = (status: number, body: string, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'Content-Type': 'text/html; charset=UTF-8', ...headers },
  body,
});

const notFound = (): Answer =>
  page(404, '<html><h1>Not Found</h1><p>The resource could not be found.</p></html>');
