import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { hexId, isoSeconds, type Request } from './exchange.ts';

/** The EC2 credentials of a deployment resource's own user. */
export type SigningKey = { access: string; secret: string };

export const createSigningKey = (): SigningKey => ({
  access: hexId(),
  secret: randomBytes(16).toString('hex'),
});

/** Makes the address for POSTing a signal, with its own authorization (AWS signature version 2). */
export function presign(
  origin: string,
  resource: { projectId: string; stackId: string; name: string },
  key: SigningKey,
  now: number,
): string {
  const arn = encodeURIComponent(`arn:openstack:heat::${resource.projectId}:stacks`);
  const path = `/v1/signal/${arn}/${resource.stackId}/resources/${resource.name}`;
  const params = new URLSearchParams({
    SignatureMethod: 'HmacSHA256',
    SignatureVersion: '2',
    AWSAccessKeyId: key.access,
    Timestamp: isoSeconds(now),
  });
  params.set('Signature', sign(key, 'POST', new URL(origin).host, path, params));
  return `${origin}${path}?${params.toString()}`;
}

/** Keystone's default: a signed address is valid for a quarter of an hour. */
export const PRESIGNED_LIFETIME_MS = 15 * 60_000;

/** Whether a request equals the signed one (verb, host, path and every parameter), and is recent enough. */
export function isPresigned(
  { method, path, query, headers }: Request,
  key: SigningKey,
  now: number,
): boolean {
  if (now > Date.parse(query.get('Timestamp') ?? '') + PRESIGNED_LIFETIME_MS) return false;
  const expected = Buffer.from(sign(key, method, headers.host ?? '', path, query));
  const given = Buffer.from(query.get('Signature') ?? '');
  return expected.length === given.length && timingSafeEqual(expected, given);
}

function sign(key: SigningKey, verb: string, host: string, path: string, params: URLSearchParams): string {
  const query = [...params.entries()]
    .filter(([name]) => name !== 'Signature')
    .map(([name, value]) => `${quote(name)}=${quote(value)}`)
    .sort()
    .join('&');
  const text = [verb, host.toLowerCase(), decodeURIComponent(path), query].join('\n');
  return createHmac('sha256', key.secret).update(text).digest('base64');
}

/** Like Python's `quote` with `-_~` safe, which Keystone uses. */
const quote = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
