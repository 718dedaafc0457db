import type { Site } from './site.ts';
import { cli } from './cli.ts';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { type ListSpec, makeList } from '../../src/support/crl.ts';

/** The path of etcd's list in make-cert.sh's layout. */
export const ETCD_LIST = '/etc/etcd/certs/client.crl';

/** Makes a list of the cluster's current etcd CA, or of another. */
export async function listOf(
  { cluster }: Pick<Site, 'cluster'>,
  spec: ListSpec,
  ca: 'etcd' | 'kubernetes' = 'etcd',
): Promise<{ pem: string; der: Buffer }> {
  const { pem, keys } = cluster.record.generation[ca];
  const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' });
  return await makeList({ pem, key }, spec);
}

/** Makes the node's canary, and returns its serial number. */
export async function makeCanary(site: Site): Promise<string> {
  const dir = join(site.node.root, 'etc/coe-agent/canary');
  const made = await cli(site, ['cluster-config', '--user', 'canary', '--ca', 'etcd', '--dir', dir]);
  if (made.code !== 0) throw new Error(made.stderr);
  return serialOf(await site.node.read('/etc/coe-agent/canary/cert.pem'));
}

export const serialOf = (pem: string): string => new X509Certificate(pem).serialNumber;
