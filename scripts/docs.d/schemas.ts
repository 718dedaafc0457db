import { isDeepStrictEqual } from 'node:util';
import { toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { JSON_VERSION } from '../../agent/commands/json-answer.ts';
import { ANSWERS, type AnswerName, isAnswerName } from '../../agent/commands/schemas.ts';
import { isObject } from '../../src/base/json.ts';

/** A JSON Schema. */
export type Schema = Record<string, unknown>;

export const NAMES = Object.keys(ANSWERS).filter(isAnswerName);

export const pathOf = (name: AnswerName): string => `docs/schema/${name}.json`;

/** Returns the schema of a verb's `--json` output in the present program. */
export function schemaOf(name: AnswerName): Schema {
  const { $schema, ...schema } = toJsonSchema(
    v.object({ version: v.literal(JSON_VERSION), ...ANSWERS[name].entries }),
  );
  const title = name === 'error' ? 'agent VERB --json, when it fails' : `agent ${name} --json`;
  return { $schema, title, ...schema };
}

/** @throws if the text is not a JSON object */
export const readSchema = (text: string): Schema => v.parse(v.pipe(v.string(), v.parseJson(), Text), text);

const Text = v.record(v.string(), v.unknown());

export const textOf = (schema: Schema): string => `${JSON.stringify(schema, undefined, 2)}\n`;

/**
 * Returns what a reader of the earlier schema would miss in the later one: within a version, a schema may only gain
 * fields.
 *
 * @returns the changed places with the kind of change
 */
export function broken(earlier: Schema, later: Schema): string[] {
  return isDeepStrictEqual(versionOf(earlier), versionOf(later)) ? changes('', earlier, later) : [];
}

const versionOf = ({ properties }: Schema): unknown => isObject(properties) && properties['version'];

function changes(place: string, earlier: unknown, later: unknown): string[] {
  if (Array.isArray(earlier) && Array.isArray(later) && earlier.length === later.length)
    return earlier.flatMap((one, index) => changes(`${place}/${index}`, one, later[index]));
  if (!isObject(earlier) || !isObject(later)) return earlier === later ? [] : [`${place}: changed`];
  return Object.keys({ ...earlier, ...later }).flatMap((key) => {
    const at = `${place}/${key}`;
    if (key === 'properties') return changesOfFields(at, earlier[key], later[key]);
    if (key === 'required') return lost(at, earlier[key], later[key]);
    if (key === 'title' || key === 'description') return [];
    return changes(at, earlier[key], later[key]);
  });
}

function changesOfFields(place: string, earlier: unknown, later: unknown): string[] {
  if (!isObject(earlier) || !isObject(later)) return [`${place}: changed`];
  return Object.entries(earlier).flatMap(([name, field]) =>
    name in later ? changes(`${place}/${name}`, field, later[name]) : [`${place}/${name}: removed`],
  );
}

function lost(place: string, earlier: unknown, later: unknown): string[] {
  const [before, after] = [earlier, later].map((names) => (Array.isArray(names) ? names.map(String) : []));
  return (before ?? [])
    .filter((name) => after?.includes(name) !== true)
    .map((name) => `${place}/${name}: may be absent`);
}
