import forge from 'node-forge';

const { asn1 } = forge;
const { Type, Class } = asn1;

export type Der = forge.asn1.Asn1;

/** Object identifiers in Magnum's CAs and CSRs. */
export const oids = {
  commonName: '2.5.4.3',
  extensionRequest: '1.2.840.113549.1.9.14',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const;

export const parseDer = (bytes: Buffer): Der => asn1.fromDer(bytes.toString('binary'), true);

export const toDer = (node: Der): Buffer => Buffer.from(asn1.toDer(node).getBytes(), 'binary');

/** The members of a constructed value; other values have none. */
export const membersOf = (node: Der | undefined): Der[] =>
  node !== undefined && Array.isArray(node.value) ? node.value : [];

/** The content of a primitive value; of a bit string with its leading count of unused bits. */
export function contentOf(node: Der | undefined): Buffer {
  if (node === undefined) return Buffer.alloc(0);
  // forge parses bit strings, and keeps the original bytes beside the result.
  const kept: unknown = 'bitStringContents' in node ? node.bitStringContents : node.value;
  return Buffer.from(typeof kept === 'string' ? kept : '', 'binary');
}

export const oidOf = (node: Der | undefined): string => asn1.derToOid(contentOf(node).toString('binary'));

export const isBoolean = (node: Der | undefined): boolean => node?.type === Type.BOOLEAN;

export const sequence = (...members: Der[]): Der =>
  asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, members);

export const set = (...members: Der[]): Der => asn1.create(Class.UNIVERSAL, Type.SET, true, members);

/** `[tag]`, explicit. */
export const tagged = (tag: number, ...members: Der[]): Der =>
  asn1.create(Class.CONTEXT_SPECIFIC, tag, true, members);

/** `[tag]`, implicit, of a primitive type. */
export const implicit = (tag: number, content: Buffer): Der =>
  asn1.create(Class.CONTEXT_SPECIFIC, tag, false, content.toString('binary'));

const primitive = (type: forge.asn1.Type, content: Buffer): Der =>
  asn1.create(Class.UNIVERSAL, type, false, content.toString('binary'));

export const oid = (dotted: string): Der =>
  primitive(Type.OID, Buffer.from(asn1.oidToDer(dotted).getBytes(), 'binary'));

/** An unsigned integer from its big-endian bytes. */
export function integer(bytes: Buffer): Der {
  const first = bytes.findIndex((byte) => byte !== 0);
  const short = first < 0 ? Buffer.of(0) : bytes.subarray(first);
  return primitive(Type.INTEGER, (short[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.of(0), short]) : short);
}

export const boolean = (value: boolean): Der => primitive(Type.BOOLEAN, Buffer.of(value ? 0xff : 0));

export const nothing = (): Der => primitive(Type.NULL, Buffer.alloc(0));

export const octets = (content: Buffer): Der => primitive(Type.OCTETSTRING, content);

export const bits = (content: Buffer, unused = 0): Der =>
  primitive(Type.BITSTRING, Buffer.concat([Buffer.of(unused), content]));

export const utf8 = (text: string): Der => primitive(Type.UTF8, Buffer.from(text));

/** To the second, as in certificates of this half of the century. */
export const utcTime = (ms: number): Der =>
  primitive(Type.UTCTIME, Buffer.from(asn1.dateToUtcTime(new Date(ms))));

/** Text armour of 64 columns, ending in a line break. */
export function toPem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
