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
import { yamlWords } from '../base/yaml-words.ts';

/** One document of a kubeconfig, read through its aliases (`*name`) and merges (`<<`) as kubectl reads it. */
export type KubeconfigDocument = {
  text(key: string): string | undefined;
  /**
   * The items of a list that have this part: `cluster` of `clusters`, `user` of `users`. Of a list that stands there
   * twice all are there in their order; kubectl sees the last list alone.
   */
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

/** A kubeconfig that is no YAML. */
export class BadKubeconfig extends AgentError {
  readonly path: string;
  /** Counted from 1; undefined when the fault has no place of its own. */
  readonly line: number | undefined;

  constructor(path: string, line: number | undefined, reason: string, message: string) {
    super('bad-file', message, { reason });
    this.path = path;
    this.line = line;
  }
}

/** A parsed file takes a hundred times its room. */
const LARGEST = 256 * 1024;

/** @throws BadKubeconfig with line and column when it is no YAML */
export function documentsOf(path: string, text: string): KubeconfigDocument[] {
  if (text.includes('\uFFFD'))
    throw new BadKubeconfig(path, undefined, 'not-utf-8', `${path}: it is not UTF-8`);
  if (text.length > LARGEST)
    throw new BadKubeconfig(
      path,
      undefined,
      'file-too-large',
      `${path}: larger than ${LARGEST / 1024} KiB, as no kubeconfig is`,
    );
  const lines = new LineCounter();
  const where = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}: line ${line}, column ${col}`;
  };
  // A key may stand there twice, where a file was appended to itself: kubectl takes the last one.
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

  /** The values of a key of a map as they stand there: an alias is not followed yet. */
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
      const items = findAll(root, list).flatMap((value) => {
        const found = follow(value);
        return isSeq(found) ? found.items : [];
      });
      return items.map(follow).flatMap((item) => {
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

const valuesOf = ({ items }: YAMLMap, key: string): unknown[] =>
  items.flatMap((item) => (isScalar(item.key) && item.key.value === key ? [item.value] : []));

/** A scalar's text; what is tagged `!!binary` has been decoded once by then. */
export const textOf = ({ value }: Scalar): string =>
  typeof value === 'string' ? value : value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : '';

type Ranged = { range?: readonly number[] | null | undefined };
const isRanged = (node: unknown): node is Ranged => typeof node === 'object' && node !== null;
const startOf = (node: unknown): number => (isRanged(node) ? (node.range?.[0] ?? 0) : 0);
const endOf = (node: unknown): number => (isRanged(node) ? (node.range?.[1] ?? 0) : 0);
