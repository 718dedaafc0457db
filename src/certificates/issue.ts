import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { allSettled } from '../base/all-settled.ts';
import { AgentError, isNotReady } from '../base/errors.ts';
import { createCsr } from './csr.ts';
import { type KeyAlgorithm, keyFromPem, keyToPem, makeKey } from './key.ts';
import type { CaType } from './layout.ts';
import type { CertificateRequest } from './request.ts';
import { verifyAuthority, verifyIssued } from './verify.ts';

/** New, verified material, all PEM. */
export type Material = {
  authorities: ReadonlyMap<CaType, string>;
  certificates: ReadonlyMap<string, { certificate: string; key: string }>;
};

/** A key and its CSR, kept before the CSR is sent: after a kill or a lost answer the same one is sent again. */
export type KeptRequest = { key: string; csr: string };

/** Takes what Magnum answered, PEM. @throws `bad-answer` for what may be another answer when it is asked again */
export type Believe = (pem: string) => X509Certificate | Promise<X509Certificate>;

export type IssueHands = {
  /** Asks until the answer is believed, or the patience ends. */
  readCa(type: CaType, believe: Believe): Promise<X509Certificate>;
  /** The same for a certificate. */
  sign(type: CaType, csr: string, believe: Believe): Promise<X509Certificate>;
  /** What was kept under this name and digest, if anything. */
  recall(name: string, digest: string): Promise<KeptRequest | undefined>;
  keep(name: string, digest: string, request: KeptRequest): Promise<void>;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Told of each part as it is done. */
  done(part: 'ca' | 'key' | 'certificate', name: string): void;
};

/**
 * Gets new certificates: CAs, keys and signatures side by side, each certificate as far ahead as it can be,
 * and nothing written where a service would read it.
 *
 * @throws `bad-answer` or `bad-certificate` when Magnum's answer is not what was asked for, or what the hands throw
 */
export async function issueCertificates(
  requests: readonly CertificateRequest[],
  authorities: readonly CaType[],
  algorithm: KeyAlgorithm,
  hands: IssueHands,
): Promise<Material> {
  const types = [...new Set([...authorities, ...requests.map(({ ca }) => ca)])];
  const fetched = new Map<CaType, Promise<X509Certificate>>();
  const authorityOf = async (type: CaType): Promise<X509Certificate> => {
    const fetching = fetched.get(type) ?? fetchAuthority(type, hands);
    fetched.set(type, fetching);
    return await fetching;
  };
  const certificates = new Map<string, { certificate: X509Certificate; key: string }>();
  const issue = async (request: CertificateRequest): Promise<void> => {
    const { key, keyPem, csr } = await prepare(request, algorithm, hands);
    const certificate = await hands.sign(request.ca, csr, async (pem) => {
      const ca = await authorityOf(request.ca);
      try {
        return verifyIssued(pem, request, key, ca, hands.now());
      } catch (error) {
        // Either of the two may be of before a rotation: both are asked for again.
        if (isNotReady(error)) fetched.delete(request.ca);
        throw error;
      }
    });
    hands.done('certificate', request.name);
    certificates.set(request.name, { certificate, key: keyPem });
  };
  await allSettled<CaType | CertificateRequest, void>([...types, ...requests], async (one) => {
    if (typeof one === 'string') await authorityOf(one);
    else await issue(one);
  });

  const cas = new Map(await Promise.all(types.map(async (type) => [type, await authorityOf(type)] as const)));
  const isOutdated = ({ name, ca }: CertificateRequest): boolean => {
    const key = cas.get(ca)?.publicKey;
    return key === undefined || certificates.get(name)?.certificate.verify(key) !== true;
  };
  if (requests.some(isOutdated))
    throw new AgentError('bad-answer', 'Magnum has changed its CA while certificates were issued');
  return {
    authorities: new Map([...cas].map(([type, ca]) => [type, ca.toString()])),
    certificates: new Map(
      [...certificates].map(([name, { certificate, key }]) => [
        name,
        { certificate: certificate.toString(), key },
      ]),
    ),
  };
}

async function fetchAuthority(type: CaType, hands: IssueHands): Promise<X509Certificate> {
  const certificate = await hands.readCa(type, (pem) => verifyAuthority(pem, type, hands.now()));
  hands.done('ca', type);
  return certificate;
}

async function prepare(
  request: CertificateRequest,
  algorithm: KeyAlgorithm,
  hands: IssueHands,
): Promise<{ key: KeyObject; keyPem: string; csr: string }> {
  const digest = createHash('sha256')
    .update(JSON.stringify([algorithm, request]))
    .digest('hex');
  const kept = await hands.recall(request.name, digest);
  if (kept) return { key: keyFromPem(kept.key), keyPem: kept.key, csr: kept.csr };
  const key = await makeKey(algorithm);
  const fresh = { key: keyToPem(key), csr: createCsr(request, key) };
  await hands.keep(request.name, digest, fresh);
  hands.done('key', request.name);
  return { key, keyPem: fresh.key, csr: fresh.csr };
}
