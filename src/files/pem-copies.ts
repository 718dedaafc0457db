import type { Renewal } from './renewal.ts';

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[A-Za-z0-9+/=\s]*-----END \1-----(?:\r?\n|$)/g;

export const blocksIn = (text: string): string[] => [...text.matchAll(BLOCK)].map(([block]) => block);

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
 * A PEM file (a bundle, a copy of a certificate or of a key) with new material in place of each copy of the old. CAs
 * are a set: what is trusted from now on takes the place of the first of them, and none is there twice. Everything else
 * stays, byte for byte.
 *
 * @param whole the certificates of which both a certificate and its key were found: one without the other is of no use
 */
export function renewPem(text: string, renewal: Renewal, whole: ReadonlySet<string>): string {
  const there = Map.groupBy(blocksIn(text), renewal.ca);
  const isRight = (trusted: string): boolean => there.get(trusted)?.join('').trim() === trusted.trim();
  const written = new Set<string>();
  return text.replaceAll(BLOCK, (block: string, label: string) => {
    const trusted = renewal.ca(block);
    if (trusted !== undefined) {
      if (isRight(trusted)) return block;
      if (written.has(trusted)) return '';
      written.add(trusted);
      return trusted;
    }
    const name = renewal.nameOf(block);
    if (name === undefined || !whole.has(name)) return block;
    const { certificate, key } = renewal.leaf(name);
    return label.includes('PRIVATE') ? key : certificate;
  });
}
