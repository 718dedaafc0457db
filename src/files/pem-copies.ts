import { isPrivateKey, pemBlocksIn } from '../base/pem.ts';
import type { Renewal } from './renewal.ts';

export const blocksIn = (text: string): string[] => pemBlocksIn(text).map(({ pem }) => pem);

/**
 * Renews a PEM file (a bundle, or a copy of a certificate or key). The trusted CAs are a set: they replace the first
 * old CA, and none occurs twice. Everything else stays byte for byte.
 *
 * @param renewed names of the certificates whose copies, certificate or key, are renewed here
 */
export function renewPem(
  text: string,
  renewal: Pick<Renewal, 'ca' | 'leaf' | 'nameOf'>,
  renewed: ReadonlySet<string>,
): string {
  const blocks = pemBlocksIn(text);
  const there = Map.groupBy(
    blocks.map(({ pem }) => pem),
    renewal.ca,
  );
  const isRight = (trusted: string): boolean => there.get(trusted)?.join('') === blocksIn(trusted).join('');
  const written = new Set<string>();
  /** Returns the replacement of a block; undefined if the block stays. */
  const replacement = (block: (typeof blocks)[number]): string | undefined => {
    const trusted = renewal.ca(block.pem);
    if (trusted !== undefined) {
      if (isRight(trusted)) return undefined;
      if (written.has(trusted)) return '';
      written.add(trusted);
      return trusted;
    }
    const name = renewal.nameOf(block.pem);
    if (name === undefined || !renewed.has(name)) return undefined;
    const { certificate, key } = renewal.leaf(name);
    return isPrivateKey(block) ? key : certificate;
  };
  let result = '';
  let at = 0;
  for (const block of blocks) {
    const fresh = replacement(block);
    if (fresh === undefined) continue;
    const [behind = ''] = /^[ \t\r]*\n?/.exec(text.slice(block.end)) ?? [];
    const isLast = behind.endsWith('\n') || block.end + behind.length === text.length;
    const isJoined = text.startsWith('-----', block.end);
    result += text.slice(at, block.start);
    result += isLast || isJoined ? indented(fresh, text, block.start) : fresh.trimEnd();
    at = isLast || isJoined ? block.end + behind.length : block.end;
  }
  return result + text.slice(at);
}

/** In YAML, a block is indented like its first line. */
function indented(fresh: string, text: string, start: number): string {
  const before = text.slice(text.lastIndexOf('\n', start) + 1, start);
  return before === '' || before.trim() !== '' ? fresh : fresh.replaceAll(/\n(?=.)/g, `\n${before}`);
}
