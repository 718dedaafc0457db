import { isIPv6 } from 'node:net';

/** Formats a host for a URL: an IPv6 address is put in brackets (RFC 3986, 3.2.2). */
export const hostInUrl = (host: string): string => (isIPv6(host) ? `[${host}]` : host);

/** Returns the host of a URL without the brackets of an IPv6 address. */
export const hostOf = ({ hostname }: Pick<URL, 'hostname'>): string => hostname.replace(/^\[(.*)\]$/, '$1');

/** Formats a host and a port: `10.0.0.5:2379`, `[fd00::6]:2379`. */
export const hostPort = (host: string, port: number | string): string => `${hostInUrl(host)}:${port}`;
