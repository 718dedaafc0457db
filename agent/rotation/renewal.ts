import type { X509Certificate } from 'node:crypto';
import { readText } from '../../src/base/disk.ts';
import { AgentError } from '../../src/base/errors.ts';
import type { Material } from '../../src/certificates/issue.ts';
import type { CaType } from '../../src/certificates/layout.ts';
import { certificatesIn, fingerprint, oneCertificate, signerOf } from '../../src/certificates/read.ts';
import { isLonger, usableUntil } from '../../src/certificates/renewal-window.ts';
import { sameCa } from '../../src/certificates/trusted.ts';
import { withoutDamaged } from './without-damaged.ts';
import { readCurrentCertificates } from '../../src/files/current-certificates.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { type ServedCas, servedCa } from './served-cas.ts';

/** Maximum skew of the clock. Beyond it, dates cannot be judged, and nothing is renewed. */
export const MOST_SKEW_MS = 5 * 60_000;

/**
 * Whether the clock is too far off.
 *
 * @param skewMs how far this node's clock is ahead of the cloud's; undefined: unknown
 */
export const isClockOff = (skewMs: number | undefined): boolean =>
  skewMs !== undefined && Math.abs(skewMs) > MOST_SKEW_MS;

/**
 * Checks that Magnum signs with the CA that signed the node's certificates. If it does not, the node missed a rotation,
 * and its peers may reject new certificates.
 *
 * @param served the CAs that Magnum serves
 * @throws `precondition` with the reason `clock-off` or `rotation-missed`
 */
export async function checkRenewal(
  served: ServedCas,
  { layout }: Node,
  { disk, skewMs }: Pick<Hands, 'disk' | 'skewMs'>,
): Promise<void> {
  const skew = skewMs();
  if (isClockOff(skew))
    throw new AgentError(
      'precondition',
      `this node's clock differs from the cloud's by ${Math.abs((skew ?? 0) / 1000).toFixed(0)} s: no certificate is renewed until the clock is set`,
      { reason: 'clock-off' },
    );
  const { trusted, leaves } = await readTrusted({ layout }, disk);
  for (const { ca: type } of layout.authorities.filter(({ single }) => single !== true)) {
    const mark = servedCa(served, type)?.fingerprint256;
    if (trusted(type).some(({ fingerprint256 }) => fingerprint256 === mark)) continue;
    // The CA file is lost, but the signatures of the node's own certificates identify the CA.
    if (trusted(type).length === 0 && isSignerOfAll(servedCa(served, type), ofType(leaves, type))) continue;
    throw missed(`the ${type} CA that Magnum serves is not trusted on this node`);
  }
  for (const { name, ca: type, certificate } of leaves) {
    const signer = signerOf(certificate, trusted(type));
    const ca = servedCa(served, type);
    if (signer && ca && fingerprint(signer) !== fingerprint(ca))
      throw missed(`${name} is signed by a CA that Magnum no longer serves`);
  }
}

const ofType = (leaves: Trusted['leaves'], type: CaType): X509Certificate[] =>
  leaves.filter(({ ca }) => sameCa(ca, type)).map(({ certificate }) => certificate);

const isSignerOfAll = (ca: X509Certificate | undefined, leaves: readonly X509Certificate[]): boolean =>
  ca !== undefined && leaves.length > 0 && leaves.every((leaf) => leaf.verify(ca.publicKey));

const missed = (why: string): AgentError =>
  new AgentError(
    'precondition',
    `${why}: this node has missed a rotation, which a renewal cannot replace; rotate the cluster's CA again`,
    { reason: 'rotation-missed' },
  );

/**
 * Compares how long new certificates would be accepted with the present ones. A certificate is usable only as long as
 * its CA.
 *
 * @returns why the new ones are discarded; undefined when they last longer
 */
export async function whyNoLonger(
  { authorities, certificates }: Material,
  { layout }: Node,
  { disk }: Pick<Hands, 'disk'>,
): Promise<string | undefined> {
  const { trusted, leaves } = await readTrusted({ layout }, disk);
  const before = leaves.flatMap(({ ca, certificate }) => {
    const signer = signerOf(certificate, trusted(ca));
    return signer ? [usableUntil(certificate, signer)] : [];
  });
  const after = layout.certificates.flatMap(({ name, ca }) => {
    const pem = certificates.get(name)?.certificate;
    const authority = [...authorities].find(([type]) => sameCa(type, ca))?.[1];
    return pem === undefined || authority === undefined
      ? []
      : [usableUntil(oneCertificate(pem, name), oneCertificate(authority, ca))];
  });
  const [first, later] = [Math.min(...before), Math.min(...after)];
  return isLonger(later, first)
    ? undefined
    : `new certificates would end on ${new Date(later).toISOString()}, the present ones on ${new Date(first).toISOString()}: nothing is renewed`;
}

type Trusted = {
  trusted: (type: CaType) => readonly X509Certificate[];
  leaves: { name: string; ca: CaType; certificate: X509Certificate }[];
};

async function readTrusted({ layout }: Pick<Node, 'layout'>, disk: Hands['disk']): Promise<Trusted> {
  const whole = await withoutDamaged(layout, disk);
  const current = await readCurrentCertificates(layout, async (path) => await readText(whole, path));
  const cas = current.authorities.flatMap(([ca, pem], index) =>
    layout.authorities[index]?.single === true
      ? []
      : certificatesIn(pem, `the ${ca} CA`).map((certificate) => ({ ca, certificate })),
  );
  const leaves = current.certificates.flatMap(([name, pem]) => {
    const row = layout.certificates.find((one) => one.name === name);
    const [certificate] = readable(pem, name);
    return row && certificate ? [{ name, ca: row.ca, certificate }] : [];
  });
  return {
    trusted: (type) => cas.filter(({ ca }) => sameCa(ca, type)).map(({ certificate }) => certificate),
    leaves,
  };
}

/** Parses certificates. An invalid file gives none: it is replaced anyway. */
function readable(pem: string, name: string): X509Certificate[] {
  try {
    return certificatesIn(pem, name);
  } catch {
    return [];
  }
}
