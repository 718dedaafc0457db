import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { createCsr } from '../../src/certificates/csr.ts';
import { createAuthority } from '../cloud/authority.ts';

/** A certificate with its key, PEM. */
export type Leaf = { cert: string; key: string };
export type Subject = Parameters<typeof createCsr>[0]['subject'];

/** A CA like Magnum's: every generation has the cluster's name, and leaves have no AKI. */
export type ClusterCa = {
  pem: string;
  key: string;
  /** @param names addresses and DNS names */
  issue(subject: Subject, names?: readonly string[]): Leaf;
};

const VALIDITY_DAYS = 1825;
const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

export function createClusterCa(name: string, now: () => number = Date.now): ClusterCa {
  const keys = newKeys();
  const options = { name, keys, validityDays: VALIDITY_DAYS, subjectKeyId: false, now };
  const authority = createAuthority(options);
  return {
    pem: `${authority.pem}\n`,
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    issue: (subject, names = []) => {
      const { privateKey } = newKeys();
      const purposes = ['clientAuth', 'serverAuth'] as const;
      const request = {
        name,
        ca: 'kubernetes' as const,
        subject,
        names,
        keyUsage: [],
        extendedKeyUsage: purposes,
      };
      return {
        cert: `${authority.sign(createCsr(request, privateKey))}\n`,
        key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      };
    },
  };
}

export const fingerprintOf = (pem: string): string => new X509Certificate(pem).fingerprint256;
