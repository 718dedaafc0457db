import { masked } from './mask.ts';
import type { Span } from './patterns.ts';
import { LONGEST_TOKEN } from './shapes.ts';

/** Redacts a text that comes in pieces: a secret across two of them is found. */
export type RedactingStream = {
  /** @returns what is decided by now: nearly always all whole lines */
  push(text: string): string;
  /** @returns what is left */
  end(): string;
};

/** A longer line is redacted in parts, and so is what looks like a key without an end. */
const LONGEST_HELD = 64 * 1024;

/** @param spansIn the secrets in a text: in order, and apart */
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

/** How much of a text that goes on is decided by now. */
function decided(text: string, spans: readonly Span[]): number {
  const lineEnd = text.lastIndexOf('\n') + 1;
  let at = text.length - lineEnd > LONGEST_HELD ? text.length - LONGEST_TOKEN : lineEnd;
  // Also one that ends just there: a key goes on in the next line.
  for (const { start, end } of spans.toReversed()) if (start < at && end >= at) at = start;
  // What is held has a bound, whatever it looks like.
  return at === 0 && text.length > 2 * LONGEST_HELD ? text.length : at;
}
