import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import { AgentError } from '../base/errors.ts';
import { yamlWords } from '../base/yaml-words.ts';

/** One document of a kubeconfig, with aliases (`*name`) and merges (`<<`) resolved as kubectl does. */
export type KubeconfigDocument = {
  text(key: string): string | undefined;
  /**
   * Returns the items of a list that have the given part: `cluster` of `clusters`, `user` of `users`. If the list
   * occurs twice, returns the items of both in order; kubectl reads only the last list.
   */
  entries(list: string, part: string): Entry[];
  /** Returns the offsets of unresolved aliases that refer to the scalar, or to a node that contains it. */
  strays(scalar: Scalar): number[];
  /** Formats an offset as file, line and column. */
  where(offset: number): string;
};

/** An entry without a name never matches. */
export type Entry = {
  name: string | undefined;
  field(key: string): Field | undefined;
  /** Returns a value of any shape as plain data; undefined if the key is missing. */
  value(key: string): unknown;
};

/** A non-empty text: the scalar that contains it, and the offset where it is used. */
export type Field = { scalar: Scalar; at: number };

/** A kubeconfig that is not YAML. */
export class BadKubeconfig extends AgentError {
  readonly path: string;
  /** Counted from 1; undefined if the fault has no position. */
  readonly line: number | undefined;

  constructor(path: string, line: number | undefined, reason: string, message: string) {
    super('bad-file', message, { reason });
    this.path = path;
    this.line = line;
  }
}

/** Limit in characters: a parsed file takes a hundred times the memory of its text. */
const LARGEST = 256 * 1024;

/** @throws BadKubeconfig with line and column if it is not YAML */
export function documentsOf(path: string, text: string): KubeconfigDocument[] {
  if (text.includes('\uFFFD'))
    throw new BadKubeconfig(path, undefined, 'not-utf-8', `${path}: it is not UTF-8`);
  if (text.length > LARGEST)
    throw new BadKubeconfig(
      path,
      undefined,
      'file-too-large',
      `${path}: larger than ${LARGEST / 1024} KiB, the limit for a kubeconfig`,
    );
  const lines = new LineCounter();
  const where = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}: line ${line}, column ${col}`;
  };
  // A key may occur twice if a file was appended to itself: kubectl uses the last one.
  return parseAllDocuments(text, { lineCounter: lines, uniqueKeys: false }).flatMap((document) => {
    const [error] = document.errors;
    if (error)
      throw new BadKubeconfig(
        path,
        lines.linePos(error.pos[0]).line,
        'not-yaml',
        `${where(error.pos[0])}: ${yamlWords(error)}`,
      );
    return isMap(document.contents) ? [documentOf(document, document.contents, where)] : [];
  });
}

function documentOf(
  document: Document,
  root: YAMLMap,
  where: KubeconfigDocument['where'],
): KubeconfigDocument {
  const followed = new Set<unknown>();
  const follow = (node: unknown): unknown => {
    if (!isAlias(node)) return node;
    followed.add(node);
    return node.resolve(document);
  };

  /** Returns the raw values of a key of a map; aliases are not resolved. */
  const findAll = (map: YAMLMap, key: string, depth = 0): unknown[] => {
    const own = valuesOf(map, key);
    // A map may be merged into itself.
    if (own.length > 0 || depth > DEEPEST) return own;
    const merged = follow(valuesOf(map, '<<').at(-1));
    for (const one of isSeq(merged) ? merged.items.map(follow) : [merged]) {
      const found = isMap(one) ? findAll(one, key, depth + 1) : [];
      if (found.length > 0) return found;
    }
    return [];
  };
  const find = (map: YAMLMap, key: string): unknown => findAll(map, key).at(-1);

  const field = (map: YAMLMap, key: string): Field | undefined => {
    const used = find(map, key);
    const scalar = follow(used);
    // An empty field beside a path (`certificate-authority`) stays empty.
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
      const items = findAll(root, list).flatMap((value) => {
        const found = follow(value);
        return isSeq(found) ? found.items : [];
      });
      return items.map(follow).flatMap((item) => {
        const body = isMap(item) ? follow(find(item, part)) : undefined;
        if (!isMap(item) || !isMap(body)) return [];
        const value = (key: string): unknown => {
          const found = find(body, key);
          return isNode(found) ? found.toJS(document) : undefined;
        };
        return [{ name: text(item, 'name'), field: (key: string) => field(body, key), value }];
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

const valuesOf = ({ items }: YAMLMap, key: string): unknown[] =>
  items.flatMap((item) => (isScalar(item.key) && item.key.value === key ? [item.value] : []));

/** Returns a scalar's text. The parser has already decoded `!!binary` once. */
export const textOf = ({ value }: Scalar): string =>
  typeof value === 'string' ? value : value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : '';

type Ranged = { range?: readonly number[] | null | undefined };
const isRanged = (node: unknown): node is Ranged => typeof node === 'object' && node !== null;
const startOf = (node: unknown): number => (isRanged(node) ? (node.range?.[0] ?? 0) : 0);
const endOf = (node: unknown): number => (isRanged(node) ? (node.range?.[1] ?? 0) : 0);
