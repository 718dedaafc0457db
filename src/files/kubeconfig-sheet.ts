import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import { AgentError } from '../base/errors.ts';

/** One document of a kubeconfig, read through its aliases (`*name`) and merges (`<<`) as kubectl reads it. */
export type Sheet = {
  text(key: string): string | undefined;
  /** The items of a list that have this part: `cluster` of `clusters`, `user` of `users`. */
  entries(list: string, part: string): Entry[];
  /** The offsets of aliases that lead to a scalar, or to something with it inside, and that nobody has asked for. */
  strays(scalar: Scalar): number[];
  /** An offset in words: file, line and column. */
  where(offset: number): string;
};

/** An entry without a name is nobody's. */
export type Entry = { name: string | undefined; field(key: string): Field | undefined };

/** A text with something in it: the scalar that holds it, and the offset at which it is used. */
export type Field = { scalar: Scalar; at: number };

/** @throws `bad-file` with line and column when it is no YAML */
export function sheetsOf(path: string, text: string): Sheet[] {
  if (text.includes('\uFFFD')) throw new AgentError('bad-file', `${path}: it is not UTF-8`);
  const lines = new LineCounter();
  const where = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}: line ${line}, column ${col}`;
  };
  return parseAllDocuments(text, { lineCounter: lines }).flatMap((document) => {
    const [error] = document.errors;
    if (error) throw new AgentError('bad-file', `${where(error.pos[0])}: ${error.message.split('\n')[0]}`);
    return isMap(document.contents) ? [sheetOf(document, document.contents, where)] : [];
  });
}

function sheetOf(document: Document, root: YAMLMap, where: Sheet['where']): Sheet {
  const followed = new Set<unknown>();
  const follow = (node: unknown): unknown => {
    if (!isAlias(node)) return node;
    followed.add(node);
    return node.resolve(document);
  };

  /** A value of a map as it stands there: an alias is not followed yet. */
  const find = (map: YAMLMap, key: string, depth = 0): unknown => {
    const own: unknown = map.get(key, true);
    // A map may be merged into itself.
    if (own !== undefined || depth > DEEPEST) return own;
    const merged = follow(map.get('<<', true));
    for (const one of isSeq(merged) ? merged.items.map(follow) : [merged]) {
      const found = isMap(one) ? find(one, key, depth + 1) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  };

  const field = (map: YAMLMap, key: string): Field | undefined => {
    const used = find(map, key);
    const scalar = follow(used);
    // An empty one beside a path (`certificate-authority`) stays empty.
    return isScalar(scalar) && textOf(scalar) !== '' ? { scalar, at: startOf(used) } : undefined;
  };
  const text = (map: YAMLMap, key: string): string | undefined => {
    const found = field(map, key);
    return found && textOf(found.scalar);
  };

  return {
    where,
    text: (key) => text(root, key),
    entries: (list, part) => {
      const items = follow(find(root, list));
      if (!isSeq(items)) return [];
      return items.items.map(follow).flatMap((item) => {
        const body = isMap(item) ? follow(find(item, part)) : undefined;
        if (!isMap(item) || !isMap(body)) return [];
        return [{ name: text(item, 'name'), field: (key: string) => field(body, key) }];
      });
    },
    strays: (scalar) => {
      const offsets: number[] = [];
      visit(document, {
        Alias: (_, alias) => {
          const target = followed.has(alias) ? undefined : alias.resolve(document);
          if (target && startOf(target) <= startOf(scalar) && startOf(scalar) < endOf(target))
            offsets.push(startOf(alias));
        },
      });
      return offsets;
    },
  };
}

const DEEPEST = 10;

/** A scalar's text; what is tagged `!!binary` has been decoded once by then. */
export const textOf = ({ value }: Scalar): string =>
  typeof value === 'string' ? value : value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : '';

type Ranged = { range?: readonly number[] | null | undefined };
const isRanged = (node: unknown): node is Ranged => typeof node === 'object' && node !== null;
const startOf = (node: unknown): number => (isRanged(node) ? (node.range?.[0] ?? 0) : 0);
const endOf = (node: unknown): number => (isRanged(node) ? (node.range?.[1] ?? 0) : 0);
