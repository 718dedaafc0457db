import { createAuthority, type Authority, type AuthorityOptions } from './authority.ts';
import type { KeyKind, KeyPool } from './key-pool.ts';

export type CaName = 'kubernetes' | 'etcd' | 'front-proxy';

/** A cluster's three present CAs, which are replaced together. */
export type Generation = Readonly<Record<CaName, Authority>>;

/** Makes three new CAs with one name. */
export async function createGeneration(
  keys: KeyPool,
  kind: KeyKind,
  options: Omit<AuthorityOptions, 'keys'>,
): Promise<Generation> {
  const make = async (): Promise<Authority> => createAuthority({ ...options, keys: await keys.take(kind) });
  const [kubernetes, etcd, frontProxy] = await Promise.all([make(), make(), make()]);
  return { kubernetes, etcd, 'front-proxy': frontProxy };
}

/** Returns the CA of a certificate type; Magnum treats an unknown type as kubernetes. */
export const authorityOf = (generation: Generation, type: unknown): Authority =>
  type === 'etcd' || type === 'front-proxy' ? generation[type] : generation.kubernetes;

/** Makes new service-account keys as Magnum sends them to Heat: PEM with line breaks as a backslash and an n. */
export async function serviceAccountParameters(keys: KeyPool): Promise<Record<string, string>> {
  const { publicKey, privateKey } = await keys.take('rsa');
  return {
    kube_service_account_key: flat(publicKey.export({ type: 'spki', format: 'pem' })),
    kube_service_account_private_key: flat(privateKey.export({ type: 'pkcs1', format: 'pem' })),
  };
}

const flat = (pem: string | Buffer): string => String(pem).replaceAll('\n', '\\n');
