import * as v from 'valibot';
import { boundedJson, MOST_VALUES } from './bounded-json.ts';
import { AgentError, type ErrorCode } from './errors.ts';

/** Whether a JSON value is a map; an exact number (exact-json.ts) is none. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value);

/**
 * JSON text to a value; anything else becomes an error that says what was being read. A list or map that is too large
 * or nested too deep is left out, see bounded-json.ts.
 */
export function parseJson(text: string, what: string, code: ErrorCode): unknown {
  const bounded = withinBounds(text, what, code);
  try {
    return JSON.parse(bounded ?? '') as unknown;
  } catch {
    const start = text.trimStart().slice(0, 60).replaceAll(/\s+/g, ' ');
    // What was meant to be JSON may hold secrets that nobody knows yet, and the parser's own words quote it.
    const why = /^[{["]/.test(start)
      ? `it begins like it, but is cut or garbled somewhere in its ${text.length} characters`
      : `it starts with ${JSON.stringify(start)}`;
    throw new AgentError(code, `${what}: not JSON (${why})`, { reason: 'not-json' });
  }
}

/** Those of a list that are what the schema wants. What somebody else has put beside them is passed over. */
export const fitting = <const S extends v.GenericSchema>(
  schema: S,
  list: readonly unknown[],
): v.InferOutput<S>[] =>
  list.flatMap((one) => {
    const parsed = v.safeParse(schema, one);
    return parsed.success ? [parsed.output] : [];
  });

/**
 * JSON text without what is beyond the bounds of bounded-json.ts; undefined for what is no JSON.
 *
 * @throws the code when it has too many values in all
 */
export function withinBounds(text: string, what: string, code: ErrorCode): string | undefined {
  const bounded = boundedJson(text);
  if (!('fault' in bounded)) return bounded.text;
  if (bounded.fault === 'garbled') return undefined;
  throw new AgentError(code, `${what}: more than ${MOST_VALUES} values, and nothing of it is used`, {
    reason: 'too-many-values',
  });
}

/** A text that is JSON, as its value: `v.parseJson` with the bounds of `parseJson`. */
export const JsonText = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return parseJson(dataset.value, 'reading JSON', 'bad-answer');
    } catch {
      addIssue({ message: 'not JSON, or too much of it' });
      return NEVER;
    }
  }),
);

/** Two objects as one: maps are merged key by key, anything else is replaced by what is over it. */
export function mergeDeep(
  under: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged = new Map(Object.entries(under));
  for (const [key, value] of Object.entries(over)) {
    const below = merged.get(key);
    merged.set(key, isObject(below) && isObject(value) ? mergeDeep(below, value) : value);
  }
  // No assignment: a key may be called `__proto__`.
  return Object.fromEntries(merged);
}

/**
 * What comes of walking JSON that somebody else has made; undefined when it is nested deeper than the stack, which is
 * what bounds that.
 */
export function unlessTooDeep<T>(walk: () => T): T | undefined {
  try {
    return walk();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
