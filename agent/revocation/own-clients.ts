import type { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { readText } from '../../src/base/disk.ts';
import type { RevocationList } from '../../src/certificates/crl.ts';
import { certificatesIn, serialOf } from '../../src/certificates/read.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { readCurrentCertificates } from '../../src/files/current-certificates.ts';

/** A client certificate with a key on this node, as a CA's list may contain it. */
export type OwnClient = {
  identity: { certificate: string; key: string };
  serial: string;
  isRevoked: boolean;
  /** A certificate without any rights, created to be revoked. */
  isCanary: boolean;
};

/**
 * Where an operator may store a certificate from `agent cluster-config` that a list will name, to test its rejection.
 */
const CANARY = '/etc/coe-agent/canary';

/** Lists the certificates of this node that a CA has signed: those of its layout, and the canary. */
export async function ownClients(
  { layout }: Node,
  ca: X509Certificate,
  list: RevocationList,
  { disk }: Pick<Hands, 'disk'>,
): Promise<OwnClient[]> {
  const read = async (path: string): Promise<string | undefined> => await readText(disk, path);
  const found: OwnClient[] = [];
  const take = (pem: string, identity: OwnClient['identity'], isCanary: boolean): void => {
    const [certificate] = certificatesIn(pem, identity.certificate);
    if (certificate?.verify(ca.publicKey) !== true) return;
    const isRevoked = list.serials.has(BigInt(`0x${certificate.serialNumber}`));
    found.push({ identity, serial: serialOf(certificate), isRevoked, isCanary });
  };
  const { certificates } = await readCurrentCertificates(layout, read);
  for (const [name, pem] of certificates) {
    const files = layout.certificates.find((row) => row.name === name)?.files;
    const place = layout.kubeconfigs.find(({ certificate }) => certificate === name)?.file.path ?? name;
    take(pem, { certificate: files?.certificate.path ?? place, key: files?.key.path ?? place }, false);
  }
  const canary = { certificate: join(CANARY, 'cert.pem'), key: join(CANARY, 'key.pem') };
  if (await disk.info(canary.key)) take((await read(canary.certificate)) ?? '', canary, true);
  return found;
}
