import type { Span } from './patterns.ts';

/** The longest token recognized by its shape; anything longer is data. */
export const LONGEST_TOKEN = 8192;

/** A key is shorter than this; one without an END within this distance has lost its end. */
const LONGEST_KEY = 65_536;

/**
 * Unregistered secrets, recognized by the text around an anchor. Searching for the anchor first is much faster. If a
 * pattern has a group, only the group is secret.
 */
const TOKENS: readonly { anchors: readonly string[]; pattern: RegExp }[] = [
  // Fernet, as used for Keystone tokens.
  { anchors: ['gAAAAA'], pattern: /gAAAAA[A-Za-z0-9_-]{32,}(?:=|%3[Dd]){0,2}/dy },
  // JSON Web Signatures: Keystone's other tokens, and service-account tokens.
  {
    anchors: ['eyJ'],
    pattern: /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+/dy,
  },
  // Headers, as sent and as printed by programs and shells.
  {
    anchors: ['-Token', '-token', '-TOKEN', 'uthorization', 'UTHORIZATION'],
    pattern:
      /(?:(?<=x-(?:auth|subject|service|storage|trust))-token|(?<=a)uthorization)\\*["']?[ \t]{0,8}[:=][ \t]{0,8}\\*["']?((?:(?:basic|bearer|digest|negotiate) {1,8})?[^\s"'\\,;&]+)/diy,
  },
  { anchors: ['OS_TOKEN=', 'OS_AUTH_TOKEN='], pattern: /OS_(?:AUTH_)?TOKEN=\\*["']?([^\s"'\\;]+)/dy },
  { anchors: ['--os-token', '--os-auth-token'], pattern: /--os-(?:auth-)?token[= ]\\*["']?([^\s"'\\;]+)/dy },
  // The base64 of a PEM block that begins like a private key of any kind.
  {
    anchors: ['LS0tLS1CRUdJTi'],
    pattern:
      /LS0tLS1CRUdJTi(?:BQUklWQVRF|BSU0EgUFJJVkFUR|BFQyBQUklWQVRF|BEU0EgUFJJVkFUR|BPUEVOU1NIIFBSSVZBVE|BFTkNSWVBURUQgUFJJVkFUR)[A-Za-z0-9+/]*={0,2}/dy,
  },
];

const BEGIN = /-----BEGIN (?:[A-Z]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----/g;
const END = /-----END (?:[A-Z]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----/g;
/**
 * Separators between the lines of a key: also written-out line feeds, and blanks where a shell has joined the lines.
 */
const BREAK = /(?:\\+[rn]|\s)+/y;
/** A short line counts only if it ends there. */
const BODY_LINE =
  /(?:Proc-Type|DEK-Info|Comment|Version): ?[^\r\n\\]*|[A-Za-z0-9+/]+={0,2}(?=\\+[rn]|[\r\n"']|$)|[A-Za-z0-9+/]{16,}={0,2}(?=[\s\\"']|$)/y;

/** Finds tokens and private keys by their shape. */
export function shapesIn(text: string): Span[] {
  const tokens = TOKENS.flatMap(({ anchors, pattern }) =>
    anchors.flatMap((anchor) => [...tokensAt(anchor, pattern, text)]),
  );
  return text.includes('PRIVATE KEY') ? [...tokens, ...keysIn(text)] : tokens;
}

function* tokensAt(anchor: string, pattern: RegExp, text: string): Generator<Span> {
  for (let at = text.indexOf(anchor); at !== -1; at = text.indexOf(anchor, at + anchor.length)) {
    pattern.lastIndex = at;
    const { indices } = pattern.exec(text) ?? {};
    const [start, end] = indices?.[1] ?? indices?.[0] ?? [at, at];
    if (end === at) continue;
    yield { start, end };
    at = end - anchor.length;
  }
}

const framesIn = (text: string, frame: RegExp): Span[] =>
  [...text.matchAll(frame)].map(({ 0: found, index }) => ({ start: index, end: index + found.length }));

/** Finds whole keys, keys without an end, and keys without a beginning, as at the start of a journal excerpt. */
function keysIn(text: string): Span[] {
  const begins = framesIn(text, BEGIN);
  const ends = framesIn(text, END);
  const ended = new Set<Span>();
  let next = 0;
  const keys = begins.map((begin, index) => {
    while (next < ends.length && (ends[next]?.start ?? 0) < begin.end) next += 1;
    const end = ends[next];
    const limit = Math.min(begins[index + 1]?.start ?? Infinity, begin.end + LONGEST_KEY);
    if (end === undefined || end.start > limit)
      return { start: begin.start, end: endOfBody(text, begin.end) };
    ended.add(end);
    return { start: begin.start, end: end.end };
  });
  const headless = ends.filter((end) => !ended.has(end));
  return [...keys, ...headless.map(({ start, end }) => ({ start: startOfBody(text, start), end }))];
}

function endOfBody(text: string, from: number): number {
  let end = from;
  for (;;) {
    BREAK.lastIndex = end;
    if (!BREAK.test(text)) return end;
    if (BREAK.lastIndex === text.length) return text.length;
    BODY_LINE.lastIndex = BREAK.lastIndex;
    if (!BODY_LINE.test(text)) return end;
    end = BODY_LINE.lastIndex;
  }
}

/** Scans backwards over lines of base64, whatever separates them. */
function startOfBody(text: string, from: number): number {
  const limit = Math.max(0, from - LONGEST_KEY);
  let start = from;
  while (start > limit && /[A-Za-z0-9+/=\s\\]/.test(text[start - 1] ?? '')) start -= 1;
  return start;
}
