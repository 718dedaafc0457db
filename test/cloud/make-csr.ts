import { sign } from 'node:crypto';
import type { Extension } from './csr.ts';
import {
  bits,
  boolean,
  implicit,
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
  utf8,
  type Der,
} from './der.ts';
import type { KeyPair } from './key-pool.ts';

/** Makes a signed certificate request (PKCS#10) for an RSA, EC P-256 or Ed25519 key. */
export function makeCsr(keys: KeyPair, commonName: string, extensions: readonly Extension[] = []): string {
  const requested = sequence(
    ...extensions.map(({ id, critical, value }) =>
      sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value)),
    ),
  );
  const attributes = extensions.length > 0 ? [sequence(oid(oids.extensionRequest), set(requested))] : [];
  const info = sequence(
    integer(Buffer.of(0)),
    sequence(set(sequence(oid(oids.commonName), utf8(commonName)))),
    parseDer(keys.publicKey.export({ type: 'spki', format: 'der' })),
    tagged(0, ...attributes),
  );
  const hash = keys.privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  const signature = sign(hash, toDer(info), keys.privateKey);
  return toPem('CERTIFICATE REQUEST', toDer(sequence(info, algorithm(keys), bits(signature))));
}

function algorithm({ privateKey }: KeyPair): Der {
  if (privateKey.asymmetricKeyType === 'ed25519') return sequence(oid('1.3.101.112'));
  if (privateKey.asymmetricKeyType === 'ec') return sequence(oid(oids.ecdsaWithSha256));
  return sequence(oid(oids.sha256WithRsa), nothing());
}

/** A subjectAltName with an IPv4 address and a DNS name. */
export const altNames = (address: string, name: string): Extension => ({
  id: oids.subjectAltName,
  critical: false,
  value: toDer(
    sequence(implicit(7, Buffer.from(address.split('.').map(Number))), implicit(2, Buffer.from(name))),
  ),
});
