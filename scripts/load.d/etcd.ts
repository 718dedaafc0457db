import { join } from 'node:path';
import type { Attempt } from './clients.ts';
import { readCredentials } from './credentials.ts';
import type { Description, Identity } from './description.ts';
import { ENVIRONMENT, runProgram } from './kubectl.ts';

/** etcd's own client (clientv3 in etcdctl) with all members as its endpoints. */
export function etcdAttempts({ nodes, programs, etcd }: Description): Attempt[] {
  const endpoints = nodes.flatMap(({ address, ports }) =>
    ports.etcd === undefined ? [] : [`https://${address}:${ports.etcd}`],
  );
  if (programs === undefined || endpoints.length === 0) return [];
  return etcd.flatMap((identity) => [
    attempt(identity, programs, endpoints, 'read', ['get', '/coe-load', '--prefix', '--keys-only']),
    attempt(identity, programs, endpoints, 'write', ['put', `/coe-load/${identity.name}`, 'x']),
  ]);
}

const attempt = (
  identity: Identity,
  programs: string,
  endpoints: readonly string[],
  does: string,
  args: readonly string[],
): Attempt => ({
  subject: { client: 'etcd', does, at: 'all members', as: identity.name },
  everyMs: 2000,
  make: async () => {
    if ((await readCredentials(identity)) === undefined) return undefined;
    const tls = [`--cacert=${identity.ca}`, `--cert=${identity.cert}`, `--key=${identity.key}`];
    const command = [join(programs, 'bin/etcdctl'), `--endpoints=${endpoints.join(',')}`, ...tls, ...args];
    return { outcome: await runProgram(command, '', { ...ENVIRONMENT, ETCDCTL_API: '3' }) };
  },
});
