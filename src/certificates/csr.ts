import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { isIP } from 'node:net';
import forge from 'node-forge';
import type { CertificateRequest } from './request.ts';
import type { KeyUsage, SubjectAttribute } from './layout.ts';
import { addressBytes } from './template.ts';
import { PURPOSE, usageBits } from './usage.ts';

/**
 * PKCS #10 (RFC 2986). node-forge encodes the ASN.1; node:crypto signs, which is about 40 times faster and does not
 * block the event loop.
 */
const { asn1 } = forge;
const { Class, Type } = asn1;

/** Creates a CSR. @returns PEM */
export function createCsr(request: CertificateRequest, key: KeyObject): string {
  const info = sequence(
    primitive(Type.INTEGER, '\0'),
    sequence(...request.subject.map(([attribute, value]) => relativeName(attribute, value))),
    asn1.fromDer(createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('binary')),
    tagged(0, sequence(oid(OID.extensionRequest), set(sequence(...extensionsOf(request))))),
  );
  const signature = sign('sha256', der(info), key);
  const csr = sequence(
    info,
    key.asymmetricKeyType === 'ec'
      ? sequence(oid(OID.ecdsaWithSha256))
      : sequence(oid(OID.sha256WithRsa), primitive(Type.NULL, '')),
    primitive(Type.BITSTRING, `\0${signature.toString('binary')}`),
  );
  const lines =
    der(csr)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}

function extensionsOf({ names, keyUsage, extendedKeyUsage }: CertificateRequest): forge.asn1.Asn1[] {
  const extensions: forge.asn1.Asn1[] = [];
  if (names.length > 0)
    extensions.push(extension(OID.subjectAltName, false, sequence(...names.map(generalName))));
  if (keyUsage.length > 0) extensions.push(extension(OID.keyUsage, true, keyUsageBits(keyUsage)));
  if (extendedKeyUsage.length > 0) {
    const purposes = extendedKeyUsage.map((usage) => oid(PURPOSE[usage]));
    extensions.push(extension(OID.extKeyUsage, false, sequence(...purposes)));
  }
  return extensions;
}

const extension = (id: string, critical: boolean, value: forge.asn1.Asn1): forge.asn1.Asn1 =>
  sequence(
    oid(id),
    ...(critical ? [primitive(Type.BOOLEAN, '\u00FF')] : []),
    primitive(Type.OCTETSTRING, der(value).toString('binary')),
  );

/** RFC 5280, 4.2.1.6: dNSName is [2], iPAddress is [7]. */
const generalName = (name: string): forge.asn1.Asn1 =>
  isIP(name) === 0
    ? asn1.create(Class.CONTEXT_SPECIFIC, 2, false, name)
    : asn1.create(Class.CONTEXT_SPECIFIC, 7, false, addressBytes(name).toString('binary'));

/** RFC 5280, 4.2.1.3: a named bit list; trailing zero bits are omitted (X.690, 11.2.2). */
function keyUsageBits(usages: readonly KeyUsage[]): forge.asn1.Asn1 {
  const bits = usageBits(usages);
  const unused = Math.log2(bits & -bits);
  return primitive(Type.BITSTRING, String.fromCodePoint(unused, bits));
}

/** C is a PrintableString (RFC 5280, appendix A.1); all others are UTF-8. */
const relativeName = (attribute: SubjectAttribute, value: string): forge.asn1.Asn1 =>
  set(
    sequence(
      oid(ATTRIBUTE[attribute]),
      primitive(attribute === 'C' ? Type.PRINTABLESTRING : Type.UTF8, forge.util.encodeUtf8(value)),
    ),
  );

const OID = {
  extensionRequest: '1.2.840.113549.1.9.14',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectAltName: '2.5.29.17',
  keyUsage: '2.5.29.15',
  extKeyUsage: '2.5.29.37',
} as const;

const ATTRIBUTE: Record<SubjectAttribute, string> = {
  CN: '2.5.4.3',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  O: '2.5.4.10',
  OU: '2.5.4.11',
};

const primitive = (type: forge.asn1.Type, value: string): forge.asn1.Asn1 =>
  asn1.create(Class.UNIVERSAL, type, false, value);
const sequence = (...items: forge.asn1.Asn1[]): forge.asn1.Asn1 =>
  asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, items);
const set = (...items: forge.asn1.Asn1[]): forge.asn1.Asn1 =>
  asn1.create(Class.UNIVERSAL, Type.SET, true, items);
const tagged = (tag: number, item: forge.asn1.Asn1): forge.asn1.Asn1 =>
  asn1.create(Class.CONTEXT_SPECIFIC, tag, true, [item]);
const oid = (id: string): forge.asn1.Asn1 => primitive(Type.OID, asn1.oidToDer(id).getBytes());
const der = (item: forge.asn1.Asn1): Buffer => Buffer.from(asn1.toDer(item).getBytes(), 'binary');
