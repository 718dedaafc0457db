import { pythonJson, pythonStr } from '../python.ts';

/** The search patterns of one secret. */
export type Patterns = {
  /** Secret wherever they occur. */
  anywhere: string[];
  /** Too short for that: secret only where no word, path or number adjoins them. */
  asToken: string[];
};

/** Shorter values would mask parts of ordinary words. */
export const SHORTEST_ANYWHERE = 6;
/** Shorter values are trivial to guess and occur in every log. */
export const SHORTEST = 3;

/** The longest pattern. A longer form is split, so that search time stays linear. */
export const LONGEST_PATTERN = 256;

/** For values longer than this, only the most common forms are searched. */
const LONG = 4096;

/** Words and small numbers that an input with a secret name may hold. Masking them would make every log unreadable. */
const ORDINARY = /^(true|false|yes|off|none|null|nil|\d{1,3})$/i;

/** Returns the patterns of one secret: its value and each of its lines, in every form in which programs write it. */
export function patternsOf(value: string): Patterns {
  const lines = linesOf(value);
  const parts = [value, ...lines].flatMap((part) => [part, part.trim()]).filter(isWorthHiding);
  const anywhere = new Set<string>();
  const asToken = new Set<string>();
  for (const part of new Set(parts)) {
    if (part.length < SHORTEST_ANYWHERE) for (const form of shortFormsOf(part)) asToken.add(form);
    else for (const form of formsOf(part)) for (const piece of pieces(form)) anywhere.add(piece);
  }
  return { anywhere: [...anywhere], asToken: [...asToken] };
}

const isWorthHiding = (part: string): boolean =>
  part.trim().length >= SHORTEST && !ORDINARY.test(part.trim());

/** Splits a multi-line value; `\n` may be written out. The frame lines of a PEM block are not secret. */
function linesOf(value: string): string[] {
  const lines = value.replaceAll(String.raw`\n`, '\n').split(/[\r\n]+/);
  return lines.length === 1
    ? []
    : lines.filter((line) => /[\p{L}\p{N}]/u.test(line) && !/^-----(BEGIN|END) /.test(line));
}

const shortFormsOf = (value: string): string[] => [
  value,
  base64(value),
  base64(`${value}\n`),
  hex(value),
  hex(value).toUpperCase(),
];

function formsOf(value: string): string[] {
  const coded = [...base64Forms(value), ...hexForms(value)];
  const isPlain = /^[A-Za-z0-9_-]*$/.test(value);
  // A value with line breaks: each line has its own patterns.
  if (isPlain || value.includes('\n') || value.length > LONG) return [value, inJson(value), ...coded];
  const forms = [
    value,
    ...jsonForms(value),
    ...pythonForms(value),
    ...percentForms(value),
    ...shellForms(value),
  ];
  return [...forms, ...markupForms(value), ...coded];
}

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

/** As JavaScript, Python (ASCII only) and Go (HTML-safe) write JSON, and JSON within JSON. */
function jsonForms(value: string): string[] {
  const ascii = pythonJson(value).slice(1, -1);
  const safe = inJson(value).replaceAll(/[<>&]/g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`);
  const once = inJson(value);
  return [once, inJson(once), inJson(inJson(once)), ascii, inJson(ascii), safe, inJson(safe)];
}

/** The inside of Python's `repr` of text and of bytes, with either kind of quotes. */
function pythonForms(value: string): string[] {
  const plain = value
    .split(/(['"])/)
    .map((part) => (part === "'" || part === '"' ? part : pythonStr([part]).slice(2, -2)))
    .join('');
  const bytes = escapedBytes(value, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`);
  return [plain, bytes].flatMap((text) => [
    text,
    text.replaceAll("'", String.raw`\'`),
    text.replaceAll('"', String.raw`\"`),
  ]);
}

/** As encodeURIComponent, RFC 3986, Python's `quote` and HTML forms encode it, with digits of either case. */
function percentForms(value: string): string[] {
  // An unpaired surrogate cannot be encoded, so no program can have sent it.
  const component = encodeURIComponent(value.toWellFormed());
  const strict = component.replaceAll(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const form = new URLSearchParams({ v: value }).toString().slice(2);
  const forms = [component, strict, strict.replaceAll('%2F', '/'), form, strict.replaceAll('%20', '+')];
  return forms.flatMap((text) => [text, text.replaceAll(/%[0-9A-F]{2}/g, (digits) => digits.toLowerCase())]);
}

/** As a shell's trace and careful scripts quote it, without the surrounding quotes. */
function shellForms(value: string): string[] {
  const octal = escapedBytes(value, (byte) => `\\${byte.toString(8).padStart(3, '0')}`);
  return [
    value.replaceAll("'", String.raw`'\''`),
    value.replaceAll("'", `'"'"'`),
    value.replaceAll(/["\\$`]/g, String.raw`\$&`),
    // printf %q of bash.
    value.replaceAll(/^[#~]|[\s'"\\|&;()<>!{}*[\]?^$`,]/g, String.raw`\$&`),
    octal.replaceAll("'", String.raw`\'`),
  ];
}

/** In XML and HTML, as text and as an attribute. */
function markupForms(value: string): string[] {
  const text = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return [
    text,
    text.replaceAll('"', '&quot;'),
    text.replaceAll('"', '&quot;').replaceAll("'", '&#x27;'),
    text.replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
    text.replaceAll('"', '&#34;').replaceAll("'", '&#39;'),
  ];
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/**
 * Alone, with a line feed appended, and inside a longer text at each of the three alignments. Programs wrap long base64
 * at 76 (RFC 2045) or 64 characters (PEM).
 */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value);
  const inside = [0, 1, 2].map((before) => {
    const all = Buffer.concat([Buffer.alloc(before), bytes]);
    // Omits characters that contain bits of a neighbour.
    const from = Math.ceil((before * 8) / 6);
    return all.toString('base64').slice(from, Math.floor((all.length * 8) / 6));
  });
  const alone = [base64(value), base64(`${value}\n`)];
  const wrapped = alone.flatMap((text) => [...wrap(text, 76), ...wrap(text, 64)]);
  const forms = [...alone, ...inside, ...wrapped];
  return forms.flatMap((text) => [text, text.replaceAll('+', '-').replaceAll('/', '_')]);
}

/** xxd wraps at 60. */
function hexForms(value: string): string[] {
  const digits = hex(value);
  return [digits, ...wrap(digits, 60)].flatMap((text) => [text, text.toUpperCase()]);
}

const hex = (text: string): string => Buffer.from(text).toString('hex');

/** Returns the lines of wrapped text; none if it fits in one. Drops a short last line, which reveals almost nothing. */
const wrap = (text: string, width: number): string[] =>
  text.length <= width ? [] : chunks(text, width).filter((line) => line.length >= SHORTEST_ANYWHERE);

const chunks = (text: string, width: number): string[] =>
  Array.from({ length: Math.ceil(text.length / width) }, (_, index) =>
    text.slice(index * width, (index + 1) * width),
  );

/** Splits a form into patterns. The last piece overlaps the one before it, so that none is short. */
const pieces = (form: string): string[] =>
  form.length <= LONGEST_PATTERN
    ? [form]
    : [...chunks(form, LONGEST_PATTERN).slice(0, -1), form.slice(-LONGEST_PATTERN)];

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\\': '\\\\',
};

/** Escapes UTF-8 bytes that are not printable ASCII. */
const escapedBytes = (value: string, escape: (byte: number) => string): string =>
  [...Buffer.from(value)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return SHORT_ESCAPES[character] ?? (byte < 0x20 || byte > 0x7e ? escape(byte) : character);
    })
    .join('');
