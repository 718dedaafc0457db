import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { allSettled } from '../base/all-settled.ts';
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

export type IssueHands = {
  readCa(type: CaType): Promise<string>;
  sign(type: CaType, csr: string): Promise<string>;
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
 * @throws `bad-certificate` when Magnum's answer is not what was asked for, or what the hands throw
 */
export async function issueCertificates(
  requests: readonly CertificateRequest[],
  authorities: readonly CaType[],
  algorithm: KeyAlgorithm,
  hands: IssueHands,
): Promise<Material> {
  const types = [...new Set([...authorities, ...requests.map(({ ca }) => ca)])];
  const fetched = new Map(types.map((type) => [type, fetchAuthority(type, hands)]));
  const authorityOf = async (type: CaType): Promise<X509Certificate> =>
    await (fetched.get(type) ?? fetchAuthority(type, hands));

  const issued = requests.map(async (request) => {
    const { key, keyPem, csr } = await prepare(request, algorithm, hands);
    const [pem, ca] = await Promise.all([hands.sign(request.ca, csr), authorityOf(request.ca)]);
    const certificate = verifyIssued(pem, request, key, ca, hands.now());
    hands.done('certificate', request.name);
    return [request.name, { certificate: certificate.toString(), key: keyPem }] as const;
  });
  await allSettled([...fetched.values(), ...issued], async (one: Promise<unknown>) => await one);

  const cas = await Promise.all(
    types.map(async (type) => [type, (await authorityOf(type)).toString()] as const),
  );
  return { authorities: new Map(cas), certificates: new Map(await Promise.all(issued)) };
}

async function fetchAuthority(type: CaType, hands: IssueHands): Promise<X509Certificate> {
  const certificate = verifyAuthority(await hands.readCa(type), type, hands.now());
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
