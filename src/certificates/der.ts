/**
 * The minimum of DER (X.690) needed to find an extension of a certificate. node:crypto reads everything else;
 * node-forge is too large to load for that.
 */
type Element = { tag: number; content: Buffer; /** With its header, as it is signed. */ whole: Buffer };

/** BER allows indefinite lengths; DER does not (X.690, 10.1). */
const INDEFINITE = 0x80;
/** In bytes; longer values exceed the exact range of a number. */
const LONGEST_LENGTH = 6;

/** Splits DER into its consecutive elements. Stops at an element that is truncated or has an invalid length. */
export function elementsOf(der: Buffer): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at + 2 <= der.length;) {
    const tag = der[at] ?? 0;
    const first = der[at + 1] ?? 0;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    const start = at + 2 + lengthBytes;
    if (first === INDEFINITE || lengthBytes > LONGEST_LENGTH || start > der.length) return elements;
    const length = lengthBytes === 0 ? first : der.readUIntBE(at + 2, lengthBytes);
    if (start + length > der.length) return elements;
    elements.push({
      tag,
      content: der.subarray(start, start + length),
      whole: der.subarray(at, start + length),
    });
    at = start + length;
  }
  return elements;
}

const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const EXTENSIONS = 0xa3;

/**
 * Finds the value of an extension of a certificate.
 *
 * @param certificate DER
 * @param id the content bytes of the extension's object identifier
 */
export function findExtension(certificate: Buffer, id: Buffer): Buffer | undefined {
  const [outer] = elementsOf(certificate);
  const [tbs] = outer ? elementsOf(outer.content) : [];
  const wrapper = tbs && elementsOf(tbs.content).find(({ tag }) => tag === EXTENSIONS);
  const [list] = wrapper ? elementsOf(wrapper.content) : [];
  for (const extension of list ? elementsOf(list.content) : []) {
    const [oid, ...rest] = elementsOf(extension.content);
    if (oid?.tag === OBJECT_IDENTIFIER && oid.content.equals(id))
      return rest.find(({ tag }) => tag === OCTET_STRING)?.content;
  }
  return undefined;
}

/** id-ce-keyUsage, 2.5.29.15 */
const KEY_USAGE = Buffer.from([0x55, 0x1d, 0x0f]);

/** Returns the first eight bits of a certificate's key usage (RFC 5280, 4.2.1.3); undefined if it has none. */
export const keyUsageOf = (certificate: Buffer): number | undefined =>
  findExtension(certificate, KEY_USAGE)?.[3];
