import { BlockList, isIP } from 'node:net';

const PORTS: Readonly<Record<string, string>> = {
  'http:': '80',
  'ws:': '80',
  'https:': '443',
  'wss:': '443',
};

/**
 * Whether NO_PROXY excepts an address. There is no standard for it, so what curl, Go or Python's requests (os-collect-config's)
 * except is excepted: a name stands for that host and for all below it, with or without a dot in front; an address may be a
 * network (`10.0.0.0/8`, `fd00::/8`); a port behind either narrows it; `*` is everybody. Node's own list knows no networks,
 * and without a dot no hosts below a name.
 *
 * @param list entries with commas or blanks between them
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

/** Without what an address of IPv6 has around it, and the dot that ends a whole name. */
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
