import { readText } from '../../src/base/disk.ts';
import { certificatesIn } from '../../src/certificates/read.ts';
import { readCurrentCertificates } from '../../src/files/current-certificates.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import type { Own } from '../phases/decide.ts';
import { servedCa, type ServedCas } from '../rotation/served-cas.ts';

/** What this node has, by its files, compared with the CAs that Magnum serves. */
export async function ownState(
  served: ServedCas,
  { layout, role }: Node,
  { disk }: Pick<Hands, 'disk'>,
): Promise<Own> {
  const { authorities, certificates } = await readCurrentCertificates(
    layout,
    async (path) => await readText(disk, path),
  );
  // Who takes exactly one certificate signs with it, and says nothing of whom the node trusts.
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
      // A release of Magnum that makes fewer certificates is no other CA.
      return !leaf || (ca !== undefined && leaf.verify(ca.publicKey));
    }),
  };
}

/** The served CAs in one word. */
export const wordFor = (served: ServedCas): string =>
  [...served]
    .map(([type, { fingerprint256 }]) => `${type} ${fingerprint256}`)
    .toSorted()
    .join(', ');
