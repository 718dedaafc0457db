import { createHash, randomUUID, sign, type KeyObject } from 'node:crypto';
import { readCsr, type Extension } from './csr.ts';
import {
  bits,
  boolean,
  integer,
  nothing,
  octets,
  oid,
  oids,
  parseDer,
  sequence,
  set,
  tagged,
  toDer,
  toPem,
  utcTime,
  utf8,
  type Der,
} from './der.ts';
import { caExtensions, keepAllowed } from './extensions.ts';
import type { KeyPair } from './key-pool.ts';

const DAY_MS = 86_400_000;

export type AuthorityOptions = {
  /** The common name: all CAs of a cluster, in every generation, have the cluster's name. */
  name: string;
  keys: KeyPair;
  /** Validity of the CA and of what it signs, from now, in days. */
  validityDays: number;
  /** Validity of its leaves, if Magnum's `term_of_validity` has changed since. */
  leafDays?: number | undefined;
  /** CAs made by Magnum since January 2025 have a subject key identifier. */
  subjectKeyId: boolean;
  now: () => number;
};

/** A CA that signs like Magnum: dates from yesterday, no authority key identifier, filtered extensions. */
export type Authority = {
  /** Without a final line break, as Magnum sends it. */
  readonly pem: string;
  readonly keys: KeyPair;
  /** Signs a PEM request. Throws InvalidCsr or ExtensionRefused. */
  sign(csr: string): string;
};

export function createAuthority({
  name,
  keys,
  validityDays,
  leafDays = validityDays,
  subjectKeyId,
  now,
}: AuthorityOptions): Authority {
  const issuer = sequence(set(sequence(oid(oids.commonName), utf8(name))));
  const issue = (subject: Der, publicKey: Der, extensions: Extension[], days: number): string =>
    certify(keys.privateKey, [
      tagged(0, integer(Buffer.of(2))),
      integer(Buffer.from(randomUUID().replaceAll('-', ''), 'hex')),
      signatureAlgorithm(keys.privateKey),
      issuer,
      sequence(utcTime(now() - DAY_MS), utcTime(now() + days * DAY_MS)),
      subject,
      publicKey,
      ...(extensions.length > 0 ? [tagged(3, sequence(...extensions.map(extensionNode)))] : []),
    ]);

  const spki = keys.publicKey.export({ type: 'spki', format: 'der' });
  const keyId = createHash('sha1').update(spki).digest();
  return {
    pem: issue(issuer, parseDer(spki), caExtensions(subjectKeyId ? keyId : undefined), validityDays),
    keys,
    sign: (pem) => {
      const csr = readCsr(pem);
      return issue(csr.subject, csr.publicKey, keepAllowed(csr.extensions), leafDays);
    },
  };
}

function certify(key: KeyObject, fields: Der[]): string {
  const body = sequence(...fields);
  const signature = sign('sha256', toDer(body), key);
  return toPem('CERTIFICATE', toDer(sequence(body, signatureAlgorithm(key), bits(signature)))).trimEnd();
}

const signatureAlgorithm = (key: KeyObject): Der =>
  key.asymmetricKeyType === 'rsa'
    ? sequence(oid(oids.sha256WithRsa), nothing())
    : sequence(oid(oids.ecdsaWithSha256));

const extensionNode = ({ id, critical, value }: Extension): Der =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value));
