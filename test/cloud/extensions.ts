import { bits, boolean, contentOf, isBoolean, membersOf, oids, parseDer, sequence, toDer } from './der.ts';
import type { Extension } from './csr.ts';

/** Thrown for a critical extension that a Magnum certificate may not have. */
export class ExtensionRefused extends Error {}

const allowed: readonly string[] = [
  oids.keyUsage,
  oids.extendedKeyUsage,
  oids.subjectAltName,
  oids.basicConstraints,
  oids.subjectKeyIdentifier,
];

/** digitalSignature, contentCommitment and keyEncipherment: the first three bits. */
const ALLOWED_USAGES = 0b1110_0000;

/**
 * Returns the extensions of a request that its certificate gets. Others are dropped; a critical one is rejected, as by
 * Magnum's validator.
 */
export function keepAllowed(extensions: readonly Extension[]): Extension[] {
  return extensions.flatMap((extension) => {
    if (!allowed.includes(extension.id)) return extension.critical ? refuse(extension) : [];
    if (extension.id === oids.keyUsage) return [limitUsages(extension)];
    if (extension.id === oids.basicConstraints) return [denyCa(extension)];
    return [extension];
  });
}

function limitUsages(extension: Extension): Extension {
  const [, first = 0, second = 0] = contentOf(parseDer(extension.value));
  const kept = first & ALLOWED_USAGES;
  if (kept === first && second === 0) return extension;
  if (extension.critical) return refuse(extension);
  // DER drops trailing zero bits of a named bit list.
  const unused = kept === 0 ? 0 : Math.clz32(kept & -kept) ^ 31;
  return { ...extension, value: toDer(bits(kept === 0 ? Buffer.alloc(0) : Buffer.of(kept), unused)) };
}

function denyCa(extension: Extension): Extension {
  const isCa = membersOf(parseDer(extension.value)).some(
    (node) => isBoolean(node) && contentOf(node)[0] !== 0,
  );
  if (!isCa) return extension;
  if (extension.critical) return refuse(extension);
  return { ...extension, value: toDer(sequence()) };
}

function refuse({ id, value }: Extension): never {
  throw new ExtensionRefused(`extension ${id} (${value.toString('hex')}) is not allowed`);
}

/** The extensions of a Magnum CA, in order. `keyId`: the subject key identifier of newer ones. */
export function caExtensions(keyId: Buffer | undefined): Extension[] {
  const constraints = { id: oids.basicConstraints, critical: true, value: toDer(caTrueDepthZero()) };
  const usage = { id: oids.keyUsage, critical: true, value: toDer(bits(Buffer.of(0b0000_0100), 2)) };
  if (!keyId) return [constraints, usage];
  // An OCTET STRING of up to 127 bytes has a one-byte length.
  const value = Buffer.concat([Buffer.of(4, keyId.length), keyId]);
  return [constraints, usage, { id: oids.subjectKeyIdentifier, critical: false, value }];
}

const caTrueDepthZero = () => sequence(boolean(true), parseDer(Buffer.of(2, 1, 0)));
