import type { Span } from './patterns.ts';

export const MASK = '***';

/** Sorts spans and merges those that touch or overlap. */
export function apart(spans: readonly Span[]): Span[] {
  const found: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    const last = found.at(-1);
    if (last && span.start <= last.end) last.end = Math.max(last.end, span.end);
    else found.push({ ...span });
  }
  return found;
}

/** @param spans sorted and not touching */
export function masked(text: string, spans: readonly Span[]): string {
  let clean = '';
  let at = 0;
  for (const { start, end } of spans) {
    clean += text.slice(at, start) + MASK;
    at = end;
  }
  return clean + text.slice(at);
}
