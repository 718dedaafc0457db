import type { FileRow, RoleLayout } from '../../../src/certificates/layout.ts';
import { newKubeconfig } from '../../../src/files/new-kubeconfig.ts';
import { createCa, type TestCa } from './openssl.ts';
import type { TempRoot } from './temp-root.ts';
import { type Leaf, leafOf } from './tls-server.ts';

export const fileAt = (path: string): FileRow => ({
  path,
  owner: 'root',
  group: 'root',
  mode: 0o600,
  directoryMode: 0o755,
});

const ROW = { ca: 'kubernetes', subject: [], names: [], keyUsage: [], extendedKeyUsage: [] } as const;

/** A CA, a certificate in a file, and one that only a kubeconfig contains. */
export const SMALL: RoleLayout = {
  authorities: [{ ca: 'kubernetes', file: fileAt('/etc/k/ca.crt') }],
  certificates: [
    {
      ...ROW,
      name: 'server',
      files: { certificate: fileAt('/etc/k/server.crt'), key: fileAt('/etc/k/server.key') },
    },
    { ...ROW, name: 'admin', files: undefined },
  ],
  serviceAccount: undefined,
  kubeconfigs: [
    {
      file: fileAt('/etc/k/admin.conf'),
      create: true,
      certificate: 'admin',
      ca: 'kubernetes',
      user: 'admin',
      server: 'https://127.0.0.1:6443',
    },
  ],
  units: [],
  credentials: [],
};

export const kubeconfigOf = (ca: string, { certificate, key }: Leaf): string =>
  newKubeconfig({ ca, certificate, key }, { cluster: 'k1', user: 'admin', server: 'https://127.0.0.1:6443' });

export type SmallNode = { ca: TestCa; server: Leaf; admin: Leaf };

/** Writes a valid set of all the layout's files. */
export async function writeSmallNode({ write }: TempRoot): Promise<SmallNode> {
  const ca = await createCa();
  const [server, admin] = [await leafOf(ca), await leafOf(ca)];
  await write('/etc/k/ca.crt', ca.pem);
  await write('/etc/k/server.crt', server.certificate);
  await write('/etc/k/server.key', server.key);
  await write('/etc/k/admin.conf', kubeconfigOf(ca.pem, admin));
  return { ca, server, admin };
}
