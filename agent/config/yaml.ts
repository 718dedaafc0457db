import * as v from 'valibot';
import { LineCounter, parseDocument, stringify } from 'yaml';
import { AgentError, explain } from '../../src/base/errors.ts';
import { isObject } from '../../src/base/json.ts';
import { yamlWords } from '../../src/base/yaml-words.ts';

/** The fault of a configuration file. The parser's own message may quote a secret; this type quotes nothing. */
type FileFault =
  | { kind: 'syntax' | 'not-a-map' }
  | { kind: 'missing' | 'unknown-key'; key: string }
  | { kind: 'invalid'; key: string; why: string };

export class BadConfigFile extends AgentError {
  readonly source: string;
  readonly fault: FileFault;
  /** Counted from 1; undefined when the fault has no position. */
  readonly line: number | undefined;

  constructor(source: string, line: number | undefined, fault: FileFault, why = describeFault(fault)) {
    super('config', `${source}${line === undefined ? '' : `: line ${line}`}: ${why}`, { reason: fault.kind });
    this.source = source;
    this.fault = fault;
    this.line = line;
  }
}

/** Formats the fault as text. */
export function describeFault(fault: FileFault): string {
  switch (fault.kind) {
    case 'syntax':
      return 'invalid YAML';
    case 'not-a-map':
      return 'not a map of settings';
    case 'missing':
      return `${fault.key} is missing`;
    case 'unknown-key':
      return `unknown key ${fault.key}`;
    case 'invalid':
      return `${fault.key}: ${fault.why}`;
  }
}

/** Size limit: parsing takes a hundred times the size of the file in memory. */
const LARGEST = 256 * 1024;

/**
 * Parses and checks one configuration file alone, so that the message can name the line. A file may contain any part of
 * the whole; required keys are checked after all files are merged.
 *
 * @throws BadConfigFile with file, line and key
 */
export function parseConfigFile(
  source: string,
  text: string,
  schema: v.GenericSchema,
  /** `whole`: the configuration consists of this file alone. */
  { whole = false } = {},
): Record<string, unknown> {
  if (text.length > LARGEST)
    throw new AgentError('config', `${source}: larger than ${LARGEST / 1024} KiB`, { reason: 'too-large' });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const lineAt = (offset: number | undefined): number | undefined =>
    offset === undefined ? undefined : lines.linePos(offset).line;

  const [error] = document.errors;
  if (error) throw new BadConfigFile(source, lineAt(error.pos[0]), { kind: 'syntax' }, yamlWords(error));
  const value: unknown = toValue(document, source) ?? {};
  if (!isObject(value)) throw new BadConfigFile(source, undefined, { kind: 'not-a-map' });

  const parsed = v.safeParse(schema, value);
  const issue = parsed.issues?.find((candidate) => whole || !mayBeElsewhere(candidate));
  if (!issue) {
    const inherited = inheritedKey(value);
    if (!inherited) return value;
    const line = lineAt(offsetOf(document, inherited));
    throw new BadConfigFile(source, line, { kind: 'unknown-key', key: inherited.join('.') });
  }
  const path = (issue.path ?? []).map((item) => item.key);
  const key = path.map(String).join('.');
  const line = lineAt(offsetOf(document, path));
  if (isMissing(issue)) throw new BadConfigFile(source, line, { kind: 'missing', key });
  if (issue.type === 'strict_object') throw new BadConfigFile(source, line, { kind: 'unknown-key', key });
  // The parser's message quotes the value, which may be a password (a password of digits is a number in YAML).
  const why = /password|secret/.test(key) ? 'must be text (in quotes)' : issue.message;
  throw new BadConfigFile(source, line, { kind: 'invalid', key, why });
}

/**
 * Returns the path of a key such as `constructor`, which every object inherits. No setting has such a name, and where
 * any name is allowed, the schema would ignore it.
 *
 * @param value accepted by the schema, so it has no cycles
 */
function inheritedKey(value: unknown): string[] | undefined {
  if (!isObject(value)) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (key in Object.prototype) return [key];
    const below = inheritedKey(inner);
    if (below) return [key, ...below];
  }
  return undefined;
}

/** Converts the document. Aliases that are undefined or expand to too much are only detected here. */
function toValue(document: ReturnType<typeof parseDocument>, source: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    throw new BadConfigFile(source, undefined, { kind: 'syntax' }, explain(cause));
  }
}

const isMissing = (issue: v.BaseIssue<unknown>): boolean => issue.received === 'undefined';

/** Whether another file may provide the missing key: maps are merged, lists are not. */
const mayBeElsewhere = (issue: v.BaseIssue<unknown>): boolean =>
  isMissing(issue) && (issue.path ?? []).every(({ key }) => typeof key !== 'number');

/** Returns the offset of a key in the text. For a missing key, it is the offset where the key belongs. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: readonly unknown[]): number | undefined {
  const parent: unknown = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  const last = path.at(-1);
  if (typeof parent === 'object' && parent !== null && 'items' in parent && Array.isArray(parent.items))
    for (const [index, item] of (parent.items as unknown[]).entries()) {
      const node = isObject(item) && 'key' in item ? item['key'] : index === last ? item : undefined;
      if (isObject(node) && Array.isArray(node['range']) && (index === last || node['value'] === last))
        return Number(node['range'][0]);
    }
  return path.length > 1 ? offsetOf(document, path.slice(0, -1)) : undefined;
}

/**
 * Parses the configuration file of another program.
 *
 * @throws `bad-file` when it is too large or invalid YAML; the message quotes none of its text
 */
export function parseYaml(source: string, text: string): unknown {
  if (text.length > LARGEST) throw new AgentError('bad-file', `${source}: larger than ${LARGEST / 1024} KiB`);
  // Some files are written by appending. A key may occur twice; the last one applies.
  const document = parseDocument(text, { uniqueKeys: false });
  if (document.errors.length > 0) throw new AgentError('bad-file', `${source}: invalid YAML`);
  try {
    return document.toJS();
  } catch {
    throw new AgentError('bad-file', `${source}: invalid YAML`);
  }
}

/** Formats a configuration file with a one-line comment at the top. */
export const formatConfigFile = (comment: string, value: Record<string, unknown>): string =>
  `# ${comment}\n${stringify(value)}`;
