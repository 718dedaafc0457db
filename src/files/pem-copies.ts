import type { Renewal } from './renewal.ts';

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[A-Za-z0-9+/=\s]*-----END \1-----(?:\r?\n|$)/g;

/** Which certificates' copies, and which keys' copies, a PEM file holds. */
export function copiesIn(text: string, renewal: Renewal): { certificates: string[]; keys: string[] } {
  const copies = { certificates: [] as string[], keys: [] as string[] };
  for (const [block, label = ''] of text.matchAll(BLOCK)) {
    const name = renewal.nameOf(block);
    if (name !== undefined) (label.includes('PRIVATE') ? copies.keys : copies.certificates).push(name);
  }
  return copies;
}

/**
 * A PEM file (a bundle, a copy of a certificate or of a key) with new material in place of each copy of the old. A CA
 * is replaced, never added: one that is there already does not come twice. Everything else stays, byte for byte.
 *
 * @param whole the certificates of which both a certificate and its key were found: one without the other is of no use
 */
export function renewPem(text: string, renewal: Renewal, whole: ReadonlySet<string>): string {
  const written = new Set<string>();
  return text.replaceAll(BLOCK, (block: string, label: string) => {
    const fresh = renewal.isNewCa(block) ? block : renewal.ca(block);
    if (fresh !== undefined) {
      if (written.has(fresh.trim())) return '';
      written.add(fresh.trim());
      return fresh;
    }
    const name = renewal.nameOf(block);
    if (name === undefined || !whole.has(name)) return block;
    const { certificate, key } = renewal.leaf(name);
    return label.includes('PRIVATE') ? key : certificate;
  });
}
