import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Request } from './exchange.ts';

/** As Heat makes them: to the end of 32-bit time. */
const EXPIRES = 2_147_483_586;

/** An address that is good for one method on one object, as Swift's middleware `tempurl` checks it. */
export function tempUrl(origin: string, path: string, method: 'GET' | 'PUT', key: string): string {
  const query = new URLSearchParams({
    temp_url_sig: sign(method, path, EXPIRES, key),
    temp_url_expires: String(EXPIRES),
  });
  return `${origin}${path}?${query.toString()}`;
}

/** HEAD is let in by a signature for GET or PUT as well. */
export function isTempUrl({ method, path, query }: Request, key: string, now: number): boolean {
  const expires = Number(query.get('temp_url_expires'));
  if (!(expires * 1000 > now)) return false;
  const given = Buffer.from(query.get('temp_url_sig') ?? '');
  const methods = method === 'HEAD' ? ['HEAD', 'GET', 'PUT'] : [method];
  return methods.some((one) => {
    const expected = Buffer.from(sign(one, path, expires, key));
    return expected.length === given.length && timingSafeEqual(expected, given);
  });
}

const sign = (method: string, path: string, expires: number, key: string): string =>
  createHmac('sha256', key).update([method, expires, path].join('\n')).digest('hex');
