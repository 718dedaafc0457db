import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { contentOf, isBoolean, membersOf, oidOf, oids, parseDer, toDer, type Der } from './der.ts';

export type Extension = { id: string; critical: boolean; value: Buffer };

export type Csr = { subject: Der; publicKey: Der; extensions: Extension[] };

/** Thrown for anything that is not a certificate request signed by its own key. */
export class InvalidCsr extends Error {}

const ARMOUR =
  /-----BEGIN (NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END \1?CERTIFICATE REQUEST-----/;

/** Hash by signature algorithm: RSA and ECDSA with SHA-2, and Ed25519, which includes its own. */
const hashes: Record<string, string | null> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': null,
};

/** Reads a PKCS#10 request (RFC 2986) of an RSA, EC or Ed25519 key and checks its signature. */
export function readCsr(pem: string): Csr {
  const base64 = ARMOUR.exec(pem)?.[2];
  if (base64 === undefined) throw new InvalidCsr('no certificate request in it');
  const [info, algorithm, signature] = parts(Buffer.from(base64, 'base64'));
  const [, subject, publicKey, attributes] = membersOf(info);
  if (!info || !subject || !publicKey) throw new InvalidCsr('not a PKCS#10 structure');

  const hash = hashes[oidOf(membersOf(algorithm)[0])];
  if (hash === undefined) throw new InvalidCsr('signed with an algorithm that is not known here');
  const signed = contentOf(signature).subarray(1);
  if (!isSigned(hash, toDer(info), toDer(publicKey), signed))
    throw new InvalidCsr('not signed by its own key');
  return { subject, publicKey, extensions: requestedExtensions(attributes) };
}

function parts(der: Buffer): Der[] {
  try {
    return membersOf(parseDer(der));
  } catch (error) {
    throw new InvalidCsr('not DER', { cause: error });
  }
}

function isSigned(hash: string | null, info: Buffer, spki: Buffer, signature: Buffer): boolean {
  try {
    const key: KeyObject = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    return verify(hash, info, key, signature);
  } catch {
    return false;
  }
}

function requestedExtensions(attributes: Der | undefined): Extension[] {
  const wanted = membersOf(attributes).find((one) => oidOf(membersOf(one)[0]) === oids.extensionRequest);
  const list = membersOf(membersOf(membersOf(wanted)[1])[0]);
  return list.map((entry) => {
    const [id, ...rest] = membersOf(entry);
    const critical = rest.find(isBoolean);
    return {
      id: oidOf(id),
      critical: critical !== undefined && contentOf(critical)[0] !== 0,
      value: contentOf(rest.at(-1)),
    };
  });
}
