import { createAuthority } from './authority.ts';
import type { KeyPool } from './key-pool.ts';
import { altNames, makeCsr } from './make-csr.ts';

export type ServerCertificate = { key: string; cert: string; caPem: string };

/** Makes a certificate for 127.0.0.1 and localhost under a CA of its own. */
export async function createServerCertificate(keys: KeyPool, now: () => number): Promise<ServerCertificate> {
  const options = { name: 'stand-in cloud', validityDays: 30, subjectKeyId: true, now };
  const authority = createAuthority({ ...options, keys: await keys.take('ec') });
  const own = await keys.take('ec');
  return {
    key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: authority.sign(makeCsr(own, 'localhost', [altNames('127.0.0.1', 'localhost')])),
    caPem: `${authority.pem}\n`,
  };
}
