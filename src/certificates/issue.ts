import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { allSettled } from '../base/all-settled.ts';
import { AgentError, isNotReady } from '../base/errors.ts';
import { type KeyAlgorithm, keyFromPem, keyToPem, makeKey } from './key.ts';
import type { CaType } from './layout.ts';
import type { CertificateRequest } from './request.ts';
import { verifyAuthority, verifyIssued } from './verify.ts';

/** New, verified material, all PEM. */
export type Material = {
  authorities: ReadonlyMap<CaType, string>;
  certificates: ReadonlyMap<string, { certificate: string; key: string }>;
};

/** A key and its CSR, stored before the CSR is sent. After a kill or a lost answer, the same CSR is sent again. */
export type KeptRequest = { key: string; csr: string };

/** Verifies an answer of Magnum, PEM. @throws `bad-answer` if a retry may give another answer */
export type Believe = (pem: string) => X509Certificate | Promise<X509Certificate>;

export type IssueHands = {
  /** Fetches a CA. Retries until the answer is accepted or the time limit has passed. */
  readCa(type: CaType, believe: Believe): Promise<X509Certificate>;
  /** Signs a CSR; otherwise like `readCa`. */
  sign(type: CaType, csr: string, believe: Believe): Promise<X509Certificate>;
  /** Returns the request stored under this name and digest, if any. */
  recall(name: string, digest: string): Promise<KeptRequest | undefined>;
  keep(name: string, digest: string, request: KeptRequest): Promise<void>;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Reports each finished part. */
  done(part: 'ca' | 'key' | 'certificate', name: string): void;
};

/**
 * Issues certificates: fetches CAs, creates keys and has CSRs signed concurrently. Writes nothing where a service
 * reads.
 *
 * @throws `bad-answer` or `bad-certificate` if Magnum's answer does not match the request, or errors of the hands
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
        // The CA or the certificate may predate a rotation, so both are requested again.
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
  // node-forge: loaded for a new CSR only, which keeps an idle daemon small.
  const { createCsr } = await import('./csr.ts');
  const fresh = { key: keyToPem(key), csr: createCsr(request, key) };
  await hands.keep(request.name, digest, fresh);
  hands.done('key', request.name);
  return { key, keyPem: fresh.key, csr: fresh.csr };
}
