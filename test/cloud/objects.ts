import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

export type StoredObject = {
  content: string;
  /** Whole seconds, rounded up, like in Swift. */
  modified: number;
  etag: string;
};

export type Objects = ReturnType<typeof createObjects>;

/** A Swift's objects by path (`/v1/AUTH_project/container/object`), and the key of each account's temporary URLs. */
export function createObjects({ now }: { now: () => number }) {
  const objects = new Map<string, StoredObject>();
  const keys = new Map<string, string>();
  const listeners = new Set<(path: string) => void>();

  const keyOf = (path: string): string => {
    const account = path.split('/')[2] ?? '';
    const key = keys.get(account) ?? randomBytes(16).toString('hex');
    keys.set(account, key);
    return key;
  };
  const signature = (method: string, path: string, expires: string): string =>
    createHmac('sha256', keyOf(path)).update(`${method}\n${expires}\n${path}`).digest('hex');

  return {
    find: (path: string): StoredObject | undefined => objects.get(path),
    put: (path: string, content: string): StoredObject => {
      const object = {
        content,
        modified: Math.ceil(now() / 1000) * 1000,
        etag: createHash('md5').update(content).digest('hex'),
      };
      objects.set(path, object);
      for (const listener of listeners) listener(path);
      return object;
    },
    /** A container is removed with its last object. */
    remove: (path: string): void => void objects.delete(path),
    hasContainerOf: (path: string): boolean => {
      const container = path.split('/', 4).join('/');
      return [...objects.keys()].some((one) => one.startsWith(`${container}/`));
    },
    /** Makes a URL for one method; `until` in seconds since the epoch. */
    temporary: (origin: string, method: 'GET' | 'PUT', path: string, until = 2_147_483_586): string =>
      `${origin}${path}?temp_url_sig=${signature(method, path, String(until))}&temp_url_expires=${until}`,
    /** PUT and GET include HEAD. */
    allows: (method: string, path: string, query: URLSearchParams): boolean => {
      const expires = query.get('temp_url_expires') ?? '';
      if (!(Number(expires) * 1000 > now())) return false;
      const given = Buffer.from(query.get('temp_url_sig') ?? '');
      const methods = method === 'HEAD' ? ['HEAD', 'GET', 'PUT'] : [method];
      return methods.some((one) => {
        const expected = Buffer.from(signature(one, path, expires));
        return expected.length === given.length && timingSafeEqual(expected, given);
      });
    },
    /** Sets `X-Account-Meta-Temp-URL-Key`, which invalidates all former URLs. */
    changeKeys: (): void => keys.clear(),
    onPut: (listener: (path: string) => void): void => void listeners.add(listener),
  };
}
