import { createPrivateKey, createPublicKey, type X509Certificate } from 'node:crypto';
import { hostPort } from '../../src/base/address.ts';
import { withDeadline } from '../../src/base/clock.ts';
import { causeOf, codeOf, explain } from '../../src/base/errors.ts';
import { isPrivateKey, pemBlocksIn } from '../../src/base/pem.ts';
import { certificatesIn, fingerprint, keyTypeOf, serialOf, subjectOf } from '../../src/certificates/read.ts';
import { usagesOf } from '../../src/certificates/usage.ts';
import { findCandidates, pathsOf, readCopy } from '../../src/files/candidates.ts';
import type { Hands } from '../hands.ts';
import { LIMITS } from './health.ts';
import type { Holding } from './inventory.ts';
import type { Node } from '../node.ts';
import { unitsOf } from '../plan/units.ts';

/** The details of one certificate. */
export type Details = {
  subject: string;
  names: string[];
  /** The CA file of the layout whose key signed it; `itself`; null for another issuer. */
  issuer: string | null;
  /** `digitalSignature`, `serverAuth` ...; an object identifier where there is no name. */
  usages: string[];
  /** `rsa-4096`, `ec-p256` */
  keyType: string;
  serial: string;
  fingerprint: string;
  notBefore: string;
  notAfter: string;
  daysLeft: number;
  /** By the limits of the alert rules: urgent within a week, warning within 30 days. */
  expiry: 'good' | 'warning' | 'urgent' | 'expired';
};

/** A certificate outside of the layout's certificate files. */
export type Copy = Details & {
  file: string;
  /** The entry of a kubeconfig: `user admin`, `cluster k1`. null in a file of certificates. */
  entry: string | null;
  /** Whether the key beside it fits. null if there is no key, as for a CA, or if it cannot be read. */
  keyFits: boolean | null;
};

/** An unreadable file besides the layout's, with the reason. */
type Unreadable = { file: string; code: string; message: string };

/** Whether a unit presents the certificate of its file; undefined for a file that no port presents. */
export type Served = { unit: string; where: string; presents: boolean | null } & Partial<
  ReturnType<typeof causeOf>
>;

type Authorities = readonly { file: string; certificate: X509Certificate }[];

/** Returns the CAs of the layout. `detailsOf` finds issuers by their keys. */
export const authoritiesIn = (holdings: readonly Holding[]): Authorities =>
  holdings
    .filter(({ kind }) => kind === 'CA')
    .flatMap(({ file, certificates }) => certificates.map((certificate) => ({ file, certificate })));

export function detailsOf(certificate: X509Certificate, authorities: Authorities, now: number): Details {
  const signer = authorities.find((ca) => certificate.verify(ca.certificate.publicKey));
  const isRoot = certificate.verify(certificate.publicKey);
  return {
    subject: subjectOf(certificate),
    names: (certificate.subjectAltName ?? '').split(', ').filter((name) => name !== ''),
    issuer: isRoot ? 'itself' : (signer?.file ?? null),
    usages: usagesOf(certificate),
    keyType: keyTypeOf(certificate),
    serial: serialOf(certificate),
    fingerprint: fingerprint(certificate),
    notBefore: certificate.validFromDate.toISOString(),
    notAfter: certificate.validToDate.toISOString(),
    daysLeft: Math.floor((certificate.validToDate.getTime() - now) / 86_400_000),
    expiry: expiryIn(certificate.validToDate.getTime() - now),
  };
}

/** Classifies the remaining validity. @param left in milliseconds */
export function expiryIn(left: number): Details['expiry'] {
  if (left < 0) return 'expired';
  if (left < LIMITS.endsSoonMs) return 'urgent';
  return left < LIMITS.endsMs ? 'warning' : 'good';
}

/**
 * Finds the certificates in kubeconfigs of the layout and in files besides its own. Also returns files that are not
 * valid YAML, with the reason.
 */
export async function findCertificates(
  { layout }: Pick<Node, 'layout'>,
  { disk, clock }: Pick<Hands, 'disk' | 'clock'>,
  authorities: Authorities,
): Promise<{ copies: Copy[]; unreadable: Unreadable[] }> {
  const { entriesOf, readSource } = await import('../../src/files/kubeconfig-contents.ts');
  const { findCopies } = await import('../../src/files/copies.ts');
  const unreadable: Unreadable[] = [];
  const passOver = (file: string, error: unknown): void => {
    unreadable.push({ file, code: codeOf(error) ?? 'internal', message: explain(error) });
  };
  const read = async (path: string): ReturnType<typeof readCopy> => await readCopy(disk, path, passOver);
  const own = layout.kubeconfigs.map(({ file }) => file.path);
  const others = pathsOf(layout).filter((path) => !own.includes(path));
  const { kubeconfigs, pems, ders } = await findCopies(
    [...own, ...(await findCandidates(disk, layout, passOver))],
    others,
    read,
    passOver,
  );
  const copies: Copy[] = [];
  const add = (file: string, entry: string | null, pem: string, keyFits: boolean | null): void => {
    for (const certificate of parsed(pem))
      copies.push({ file, entry, keyFits, ...detailsOf(certificate, authorities, clock.now()) });
  };
  for (const [file, text] of kubeconfigs) {
    let entries: ReturnType<typeof entriesOf> = [];
    try {
      entries = entriesOf(file, text);
    } catch (error) {
      if (codeOf(error) !== 'bad-file') throw error;
      passOver(file, error);
    }
    for (const { entry, ca, certificate, key } of entries) {
      if (ca?.pem !== undefined) add(file, entry, ca.pem, null);
      if (certificate?.pem === undefined) continue;
      const beside = await readSource(file, key, async (path) => (await read(path))?.text);
      add(file, entry, certificate.pem, beside === undefined ? null : fits(certificate.pem, beside));
    }
  }
  for (const [file, text] of [...pems, ...ders]) add(file, null, text, fits(text, text));
  return { copies, unreadable };
}

/** Returns the certificates that the units' ports present now, by the file that each port should use. */
export async function askPorts(
  node: Node,
  hands: Hands,
  holdings: readonly Holding[],
  abort: AbortSignal,
): Promise<ReadonlyMap<string, Served>> {
  const units = await unitsOf(node, hands, abort);
  const asked = units.map(async ({ name, probe }): Promise<[string, Served][]> => {
    if (!probe) return [];
    const { host, port, file } = probe;
    const where = hostPort(host, port);
    const held = holdings.find((holding) => holding.file === file)?.fingerprint;
    try {
      const seen = fingerprint(await hands.presented(host, port, withDeadline(abort, PORT_MS)));
      return [[file, { unit: name, where, presents: seen === held }]];
    } catch (error) {
      if (abort.aborted) throw error;
      return [[file, { unit: name, where, presents: null, ...causeOf(error) }]];
    }
  });
  return new Map((await Promise.all(asked)).flat());
}

/** Short, because a person is waiting. */
const PORT_MS = 2000;

const parsed = (text: string): X509Certificate[] => {
  try {
    return certificatesIn(text, 'a certificate');
  } catch {
    return [];
  }
};

/** Whether the first key of one text fits the first certificate of another; null if either cannot be read. */
function fits(certificate: string, key: string): boolean | null {
  const [leaf] = parsed(certificate);
  const pem = pemBlocksIn(key).find(isPrivateKey)?.pem;
  if (!leaf || pem === undefined) return null;
  try {
    return leaf.publicKey.equals(createPublicKey(createPrivateKey(pem)));
  } catch {
    return null;
  }
}
