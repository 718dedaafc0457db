import type { X509Certificate } from 'node:crypto';
import { readText } from '../../src/base/disk.ts';
import type { CaType } from '../../src/certificates/layout.ts';
import { type IssueHands, issueCertificates } from '../../src/certificates/issue.ts';
import { certificatesIn, oneCertificate, signerOf } from '../../src/certificates/read.ts';
import { sameCa } from '../../src/certificates/trusted.ts';
import { readCurrentCertificates } from '../../src/files/current-certificates.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';

/** The CAs that Magnum serves, by kind. */
export type ServedCas = ReadonlyMap<CaType, X509Certificate>;

/** Asks Magnum for its CAs. */
export async function readServedCas(
  { layout }: Pick<Node, 'layout'>,
  reading: IssueHands,
  { config }: Pick<Hands, 'config'>,
): Promise<ServedCas> {
  const types = layout.authorities.map(({ ca }) => ca);
  const { authorities } = await issueCertificates([], types, config.keys, reading);
  return new Map([...authorities].map(([type, pem]) => [type, oneCertificate(pem, `the ${type} CA`)]));
}

export const servedCa = (served: ServedCas, type: CaType): X509Certificate | undefined =>
  [...served].find(([ca]) => sameCa(ca, type))?.[1];

/**
 * Whether the node has the CAs that Magnum serves: it trusts each of them, possibly besides others, and a trusted CA
 * has signed each of its certificates.
 */
export async function hasServedCas(
  served: ServedCas,
  { layout }: Node,
  { disk }: Pick<Hands, 'disk'>,
): Promise<boolean> {
  const { authorities, certificates } = await readCurrentCertificates(
    layout,
    async (path) => await readText(disk, path),
  );
  const trusted = layout.authorities.flatMap((row, index) =>
    row.single === true
      ? []
      : [{ ca: row.ca, cas: certificatesIn(authorities[index]?.[1] ?? '', `the ${row.ca} CA`) }],
  );
  const trusts = trusted.every(({ ca, cas }) =>
    cas.some(({ fingerprint256 }) => fingerprint256 === servedCa(served, ca)?.fingerprint256),
  );
  if (!trusts) return false;
  return layout.certificates.every((row) => {
    const [leaf] = certificatesIn(certificates.find(([name]) => name === row.name)?.[1] ?? '', row.name);
    // A missing certificate does not count: another release of Magnum may create fewer.
    if (!leaf) return true;
    const cas = trusted.filter(({ ca }) => sameCa(ca, row.ca)).flatMap((one) => one.cas);
    return signerOf(leaf, cas) !== undefined;
  });
}
