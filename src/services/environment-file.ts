/**
 * Parses an `EnvironmentFile=` as systemd does (systemd.exec(5); `parse_env_file` of its sources). Does not expand
 * values; the last line of a name wins.
 */
export function parseEnvironmentFile(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    const start = skip(text, at, /\s/y);
    if (isComment(text[start])) {
      at = endOfComment(text, start);
      continue;
    }
    const newline = indexOrEnd(text, '\n', start);
    const equals = text.indexOf('=', start);
    if (equals < 0 || equals > newline) {
      at = newline + 1;
      continue;
    }
    const { value, end } = readValue(text, equals + 1);
    const name = text.slice(start, equals).trimEnd();
    if (/^[A-Za-z_]\w*$/.test(name)) variables.set(name, value);
    at = end;
  }
  return variables;
}

const isComment = (character: string | undefined): boolean => character === '#' || character === ';';

/** A comment continues after a line that ends with a backslash. */
function endOfComment(text: string, start: number): number {
  let at = start;
  while (at < text.length && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** Characters that a backslash escapes within double quotes; before others it is literal. */
const ESCAPED = '"\\`$';

/** Reads a value: quoted parts may be adjacent. Outside quotes, backslashes and trailing blanks are removed. */
function readValue(text: string, start: number): { value: string; end: number } {
  let value = '';
  let at = skip(text, start, /[ \t\r]/y);
  while (at < text.length && text[at] !== '\n') {
    const quote = text[at];
    if (quote !== '"' && quote !== "'") {
      const bare = readBare(text, at);
      return { value: value + bare.value, end: bare.end };
    }
    at += 1;
    while (at < text.length && text[at] !== quote) {
      const next = text[at + 1] ?? '';
      if (quote === '"' && text[at] === '\\') {
        if (next !== '\n') value += ESCAPED.includes(next) ? next : `\\${next}`;
        at += 2;
      } else value += text[at++] ?? '';
    }
    at = skip(text, at + 1, /[ \t\r]/y);
  }
  return { value, end: at + 1 };
}

function readBare(text: string, start: number): { value: string; end: number } {
  let value = '';
  let kept = 0;
  let at = start;
  for (; at < text.length && text[at] !== '\n'; at += 1) {
    const isEscaped = text[at] === '\\';
    if (isEscaped) at += 1;
    const character = text[at] ?? '';
    if (isEscaped && character === '\n') continue;
    value += character;
    if (isEscaped || !/\s/.test(character)) kept = value.length;
  }
  return { value: value.slice(0, kept), end: at + 1 };
}

function skip(text: string, at: number, one: RegExp): number {
  let end = at;
  for (; end < text.length; end += 1) {
    one.lastIndex = end;
    if (!one.test(text)) break;
  }
  return end;
}

const indexOrEnd = (text: string, what: string, from: number): number => {
  const found = text.indexOf(what, from);
  return found < 0 ? text.length : found;
};
