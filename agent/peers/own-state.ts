import { readText } from '../../src/base/disk.ts';
import { certificatesIn } from '../../src/certificates/read.ts';
import { readCurrentCertificates } from '../../src/files/current-certificates.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import type { Own } from '../phases/decide.ts';
import { servedCa, type ServedCas } from '../rotation/served-cas.ts';

/** Compares this node's files with the CAs that Magnum serves. */
export async function ownState(
  served: ServedCas,
  { layout, role }: Node,
  { disk }: Pick<Hands, 'disk'>,
): Promise<Own> {
  const { authorities, certificates } = await readCurrentCertificates(
    layout,
    async (path) => await readText(disk, path),
  );
  // A file with exactly one certificate is used for signing. It does not show which CAs the node trusts.
  const trusted = authorities.flatMap(([ca, pem], index) =>
    layout.authorities[index]?.single === true ? [] : [{ ca, cas: certificatesIn(pem, `the ${ca} CA`) }],
  );
  const isServed = (ca: (typeof trusted)[number]['ca'], fingerprint: string): boolean =>
    servedCa(served, ca)?.fingerprint256 === fingerprint;
  return {
    isMaster: role === 'master',
    trustsServed: trusted.every(({ ca, cas }) => cas.some((one) => isServed(ca, one.fingerprint256))),
    trustsFormer: trusted.some(({ ca, cas }) => cas.some((one) => !isServed(ca, one.fingerprint256))),
    presentsServed: layout.certificates.every((row) => {
      const pem = certificates.find(([name]) => name === row.name)?.[1];
      const [leaf] = certificatesIn(pem ?? '', row.name);
      const ca = servedCa(served, row.ca);
      // A missing certificate does not count: another release of Magnum may create fewer.
      return !leaf || (ca !== undefined && leaf.verify(ca.publicKey));
    }),
  };
}

/** Formats the served CAs as one string, to compare and record them. */
export const wordFor = (served: ServedCas): string =>
  [...served]
    .map(([type, { fingerprint256 }]) => `${type} ${fingerprint256}`)
    .toSorted()
    .join(', ');
