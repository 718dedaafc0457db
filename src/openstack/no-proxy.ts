import { BlockList, isIP } from 'node:net';

const PORTS: Readonly<Record<string, string>> = {
  'http:': '80',
  'ws:': '80',
  'https:': '443',
  'wss:': '443',
};

/**
 * Whether NO_PROXY excludes an address from proxying. There is no standard, so this accepts what curl, Go or Python's
 * requests (used by os-collect-config) accept. A name covers that host and its subdomains, with or without a leading
 * dot. An address may be a network (`10.0.0.0/8`, `fd00::/8`). A port restricts the entry. `*` covers every host.
 * Node's own implementation supports neither networks nor, without a dot, subdomains.
 *
 * @param list entries separated by commas or blanks
 */
export function isExcepted(url: URL, list: string | undefined): boolean {
  const host = bare(url.hostname);
  const port = url.port || PORTS[url.protocol];
  return (list ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      const [, name = entry, only] = /^([^:]*|\[.*\]):(\d+)$/.exec(entry) ?? [];
      return (only === undefined || only === port) && (name === '*' || holds(bare(name), host));
    });
}

/** Removes the brackets of an IPv6 address, and the trailing dot of an absolute name. */
const bare = (host: string): string => host.replace(/^\[(.*)\]/, '$1').replace(/\.$/, '');

function holds(entry: string, host: string): boolean {
  if (isIP(host) !== 0) return entry === host || isWithin(entry, host);
  const name = entry.replace(/^\*?\./, '');
  return host === name || host.endsWith(`.${name}`);
}

function isWithin(network: string, host: string): boolean {
  const [, address = network, bits = ''] = /^(.*)\/(\d{1,3})$/.exec(network) ?? [];
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  const prefix = bits === '' ? most : Number(bits);
  if (version === 0 || version !== isIP(host) || prefix > most) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(address, prefix, family);
  return list.check(host, family);
}
