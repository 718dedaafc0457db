import type { ErrorCode } from './errors.ts';
import { parseJson, withinBounds } from './json.ts';

/**
 * A number kept as its JSON text, because the double would be written differently: `1.0`, `1e16`, more digits than a
 * double has. JSON.stringify writes it unchanged.
 */
export type ExactNumber = { readonly rawJSON: string };

declare global {
  // ECMAScript's "JSON.parse source text access"; TypeScript has no types for it yet.
  interface JSON {
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
    ): unknown;
    rawJSON(text: string): ExactNumber;
    isRawJSON(value: unknown): value is ExactNumber;
  }
}

/** Matches a text that may contain such a number. */
const ODD = /[[:,\s]-?(?:\d{16}|\d+\.(?:\d*0|0000)|\d+(?:\.\d+)?[eE])/;

/** Keeping the source of every number takes several times the memory of the text. */
const LARGEST = 2 * 1024 * 1024;

/** Like `parseJson`, but keeps numbers that a double would alter as exact ones, unless the text exceeds 2 MiB. */
export function parseExactJson(text: string, what: string, code: ErrorCode): unknown {
  if (text.length > LARGEST || !ODD.test(text)) return parseJson(text, what, code);
  const bounded = withinBounds(text, what, code);
  if (bounded === undefined) return parseJson(text, what, code);
  try {
    return JSON.parse(bounded, (_key, value, { source }) =>
      typeof value === 'number' && source !== undefined && source !== String(value)
        ? JSON.rawJSON(source)
        : value,
    );
  } catch {
    // Invalid JSON, or nested deeper than a reviver supports.
    return parseJson(bounded, what, code);
  }
}
