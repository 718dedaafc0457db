import type { ErrorCode } from './errors.ts';
import { parseJson, withinBounds } from './json.ts';

/**
 * A number as its JSON text has it, where the double that it becomes would be written otherwise: `1.0`, `1e16`, more
 * digits than a double has. JSON.stringify writes it as it was.
 */
export type ExactNumber = { readonly rawJSON: string };

declare global {
  // ECMAScript's "JSON.parse source text access", of which TypeScript does not know yet.
  interface JSON {
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
    ): unknown;
    rawJSON(text: string): ExactNumber;
    isRawJSON(value: unknown): value is ExactNumber;
  }
}

/** Whether there may be such a number in a text. */
const ODD = /[[:,\s]-?(?:\d{16}|\d+\.(?:\d*0|0000)|\d+(?:\.\d+)?[eE])/;

/** Keeping the source of every number takes several times the memory of the text. */
const LARGEST = 2 * 1024 * 1024;

/** As `parseJson`; numbers that a double would alter become exact ones, unless the text is larger than 2 MiB. */
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
    // No JSON, or nested deeper than a reviver goes.
    return parseJson(bounded, what, code);
  }
}
