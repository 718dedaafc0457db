import { masked } from './mask.ts';
import type { Span } from './patterns.ts';
import { LONGEST_TOKEN } from './shapes.ts';

/** Redacts text that arrives in chunks, including secrets that span chunks. */
export type RedactingStream = {
  /** @returns the text that can be released: nearly always all whole lines */
  push(text: string): string;
  /** @returns the remaining text */
  end(): string;
};

/** A longer line, or a key without an end, is redacted in parts. */
const LONGEST_HELD = 64 * 1024;

/** @param spansIn finds the secrets in a text: sorted and not touching */
export function createRedactingStream(spansIn: (text: string) => Span[]): RedactingStream {
  let held = '';
  return {
    push: (text) => {
      held += text;
      const spans = spansIn(held);
      const at = decided(held, spans);
      const clean = masked(
        held.slice(0, at),
        spans.filter(({ start }) => start < at),
      );
      held = held.slice(at);
      return clean;
    },
    end: () => {
      const clean = masked(held, spansIn(held));
      held = '';
      return clean;
    },
  };
}

/** Returns how much of an unfinished text can be released. */
function decided(text: string, spans: readonly Span[]): number {
  const lineEnd = text.lastIndexOf('\n') + 1;
  let at = text.length - lineEnd > LONGEST_HELD ? text.length - LONGEST_TOKEN : lineEnd;
  // Includes a span that ends exactly there: a key may continue in the next line.
  for (const { start, end } of spans.toReversed()) if (start < at && end >= at) at = start;
  // The held text is bounded, whatever it looks like.
  return at === 0 && text.length > 2 * LONGEST_HELD ? text.length : at;
}
