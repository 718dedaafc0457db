import * as v from 'valibot';
import { LineCounter, parseDocument, stringify } from 'yaml';
import { AgentError, explain } from '../../src/base/errors.ts';
import { isObject } from '../../src/base/json.ts';

/**
 * One configuration file, checked by itself so that the message can name the line. A file may give any part
 * of the whole; what is required is required of the whole.
 *
 * @throws `config` with file, line and key
 */
export function parseConfigFile(
  source: string,
  text: string,
  schema: v.GenericSchema,
  /** `whole`: no other file gives a part of it. */
  { whole = false } = {},
): Record<string, unknown> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const at = (offset: number | undefined): string =>
    offset === undefined ? source : `${source}: line ${lines.linePos(offset).line}`;

  const [error] = document.errors;
  if (error) throw new AgentError('config', `${at(error.pos[0])}: ${error.message.split('\n')[0]}`);
  const value: unknown = toValue(document, at(undefined)) ?? {};
  if (!isObject(value)) throw new AgentError('config', `${source}: not a map of settings`);

  const parsed = v.safeParse(schema, value);
  const issue = parsed.issues?.find((candidate) => whole || !mayBeElsewhere(candidate));
  if (!issue) {
    const inherited = inheritedKey(value);
    if (!inherited) return value;
    const line = at(offsetOf(document, inherited));
    throw new AgentError('config', `${line}: unknown key ${inherited.join('.')}`);
  }
  const path = (issue.path ?? []).map((item) => item.key);
  const name = path.map(String).join('.');
  const where = at(offsetOf(document, path));
  if (isMissing(issue)) throw new AgentError('config', `${where}: ${name} is missing`);
  if (issue.type === 'strict_object') throw new AgentError('config', `${where}: unknown key ${name}`);
  // The message quotes what it found, and a password of digits alone is a number.
  const why = /password/.test(name) ? 'must be text (in quotes)' : issue.message;
  throw new AgentError('config', `${where}: ${name}: ${why}`);
}

/**
 * The path of a key like `constructor`, which every object has by itself. Nothing is called so, and where any name is
 * allowed the schema would pass it over.
 *
 * @param value what the schema has accepted, so that it ends
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

/** An alias that leads nowhere, or to too much, is found only here. */
function toValue(document: ReturnType<typeof parseDocument>, where: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    throw new AgentError('config', `${where}: ${explain(cause)}`, { cause });
  }
}

const isMissing = (issue: v.BaseIssue<unknown>): boolean => issue.received === 'undefined';

/** A key that another file may give: maps are merged, lists are not. */
const mayBeElsewhere = (issue: v.BaseIssue<unknown>): boolean =>
  isMissing(issue) && (issue.path ?? []).every(({ key }) => typeof key !== 'number');

/** Where a key stands in the text; of one that is missing, where it should. */
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

/** The text of a configuration file, with one line of comment above. */
export const formatConfigFile = (comment: string, value: Record<string, unknown>): string =>
  `# ${comment}\n${stringify(value)}`;
