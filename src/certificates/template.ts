import { isIP } from 'node:net';
import { hostInUrl } from '../base/address.ts';

/** Values of the `{KEY}`s of a layout: heat-params and the facts of `factsOf`. */
export type Values = ReadonlyMap<string, string>;

const PLACEHOLDER = /\{([A-Za-z_][A-Za-z0-9_]*)(?:\|([^}]*))?\}/g;

/**
 * Matches a text that ends where the host of a URL begins; not after a `[`, because then the brackets are written out.
 */
const BEFORE_HOST = /:\/\/[^/?#[\]]*$/;

/**
 * Replaces each `{KEY}` by its value, and `{KEY|default}` by the default if there is no value. An IPv6 address as the
 * host of a URL is put in brackets.
 */
export const fill = (text: string, values: Values): string =>
  text.replaceAll(PLACEHOLDER, (_, key: string, fallback: string | undefined, offset: number) => {
    const value = values.get(key) || (fallback ?? '');
    return BEFORE_HOST.test(text.slice(0, offset)) ? hostInUrl(value) : value;
  });

/** Returns the keys that a text requires. */
export const keysOf = (text: string): string[] =>
  [...text.matchAll(PLACEHOLDER)]
    .filter((match) => match[2] === undefined)
    .flatMap((match) => match[1] ?? []);

/**
 * Adds the values that layouts need besides heat-params:
 * - `HOSTNAME`: the node's host name
 * - `FIRST_SERVICE_IP`: the first address of PORTAL_NETWORK_CIDR, which the API's own service gets
 *
 * `PUBLIC_IPV4`, used by a swarm's certificates, comes from the metadata service.
 */
export function factsOf(params: Values, hostname: string): Values {
  const first = firstAddress(params.get('PORTAL_NETWORK_CIDR') ?? '');
  return new Map([...params, ['HOSTNAME', hostname], ['FIRST_SERVICE_IP', first ?? '']]);
}

/** `10.254.0.0/16` -> `10.254.0.1`; also for IPv6. Undefined if it is not a network. */
export function firstAddress(cidr: string): string | undefined {
  const [address = '', prefix] = cidr.split('/');
  if (prefix === undefined || !/^\d{1,3}$/.test(prefix)) return undefined;
  const family = familyOf(address);
  if (family === 0) return undefined;
  const bytes = family === 4 ? 4 : 16;
  // A network with a single address has no usable first address.
  if (Number(prefix) >= bytes * 8) return undefined;
  const host = BigInt(bytes * 8 - Number(prefix));
  const first = ((addressToNumber(address) >> host) << host) + 1n;
  return numberToAddress(first, bytes);
}

/** Returns 4, 6, or 0 if it is not an address. An address with a zone (`fe80::1%eth0`) is valid on one machine only. */
export const familyOf = (address: string): number => (address.includes('%') ? 0 : isIP(address));

/** Converts an IP address to a number; the URL parser accepts every notation of IPv6. */
export function addressToNumber(address: string): bigint {
  if (isIP(address) === 4) return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}

function numberToAddress(value: bigint, bytes: number): string {
  const hex = value.toString(16).padStart(bytes * 2, '0');
  const parts = hex.match(bytes === 4 ? /../g : /..../g) ?? [];
  if (bytes === 4) return parts.map((part) => Number.parseInt(part, 16)).join('.');
  return new URL(`http://[${parts.join(':')}]`).hostname.slice(1, -1);
}

/** Returns the bytes of an IP address as stored in a certificate. */
export function addressBytes(address: string): Buffer {
  const hex = addressToNumber(address).toString(16);
  return Buffer.from(hex.padStart(isIP(address) === 4 ? 8 : 32, '0'), 'hex');
}
