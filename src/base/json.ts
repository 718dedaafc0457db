import * as v from 'valibot';
import { boundedJson, MOST_VALUES } from './bounded-json.ts';
import { AgentError, type ErrorCode } from './errors.ts';

/** Whether a JSON value is a map. An exact number (exact-json.ts) is not. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value);

/**
 * Parses JSON; any other text becomes an error that says what was being read. A list or map that is too large or nested
 * too deeply is left out, see bounded-json.ts.
 */
export function parseJson(text: string, what: string, code: ErrorCode): unknown {
  const bounded = withinBounds(text, what, code);
  try {
    return JSON.parse(bounded ?? '') as unknown;
  } catch {
    const start = text.trimStart().slice(0, 60).replaceAll(/\s+/g, ' ');
    // Broken JSON may contain secrets that are not registered yet, and the parser's own message quotes it.
    const why = /^[{["]/.test(start)
      ? `truncated or garbled, ${text.length} characters`
      : `it starts with ${JSON.stringify(start)}`;
    throw new AgentError(code, `not JSON (${why})`, { task: what, reason: 'not-json' });
  }
}

/** Returns the members of a list that match the schema. Ignores others: foreign programs may add them. */
export const fitting = <const S extends v.GenericSchema>(
  schema: S,
  list: readonly unknown[],
): v.InferOutput<S>[] =>
  list.flatMap((one) => {
    const parsed = v.safeParse(schema, one);
    return parsed.success ? [parsed.output] : [];
  });

/**
 * Returns JSON text within the limits of bounded-json.ts; undefined if it is not JSON.
 *
 * @throws `code` if it still has too many values
 */
export function withinBounds(text: string, what: string, code: ErrorCode): string | undefined {
  const bounded = boundedJson(text);
  if (!('fault' in bounded)) return bounded.text;
  if (bounded.fault === 'garbled') return undefined;
  throw new AgentError(code, `more than ${MOST_VALUES} values, so all of it is ignored`, {
    task: what,
    reason: 'too-many-values',
  });
}

/** Parses a JSON string: `v.parseJson` with the limits of `parseJson`. */
export const JsonText = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return parseJson(dataset.value, 'reading JSON', 'bad-answer');
    } catch {
      addIssue({ message: 'not JSON, or too large' });
      return NEVER;
    }
  }),
);

/** Merges two objects: maps key by key; any other value of `over` replaces the one of `under`. */
export function mergeDeep(
  under: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged = new Map(Object.entries(under));
  for (const [key, value] of Object.entries(over)) {
    const below = merged.get(key);
    merged.set(key, isObject(below) && isObject(value) ? mergeDeep(below, value) : value);
  }
  // `fromEntries` instead of assignment: a key may be `__proto__`.
  return Object.fromEntries(merged);
}

/** Walks foreign JSON. Returns undefined if it is nested deeper than the stack allows. */
export function unlessTooDeep<T>(walk: () => T): T | undefined {
  try {
    return walk();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
