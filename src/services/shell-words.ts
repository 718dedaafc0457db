/** Values of variables by name. */
export type Variables = ReadonlyMap<string, string>;

/**
 * Splits shell text into commands and their words, with variables expanded (POSIX 2.6: parameters, field splitting,
 * quotes). `;`, `&`, `|` and a line break end a command.
 *
 * @returns undefined if the text needs more than that, such as a command substitution
 */
export function shellCommands(text: string, variables: Variables): string[][] | undefined {
  const commands: string[][] = [[]];
  let word: string | undefined;
  /** Whether a `#` here starts a comment. After an empty expansion it does not. */
  let isTokenStart = true;
  const endWord = (): void => {
    if (word !== undefined) commands.at(-1)?.push(word);
    word = undefined;
  };
  for (let at = 0; at < text.length;) {
    const character = text[at] ?? '';
    const isComment = character === '#' && isTokenStart;
    if (!text.startsWith('\\\n', at)) isTokenStart = /[;&|\s]/.test(character);
    if (/[;&|\n]/.test(character)) {
      endWord();
      commands.push([]);
      at += 1;
    } else if (/\s/.test(character)) {
      endWord();
      at += 1;
    } else if (isComment) {
      const newline = text.indexOf('\n', at);
      at = newline < 0 ? text.length : newline;
    } else if (character === '\\') {
      if (at + 1 === text.length) return undefined;
      if (text[at + 1] !== '\n') word = (word ?? '') + (text[at + 1] ?? '');
      at += 2;
    } else if (character === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) return undefined;
      word = (word ?? '') + text.slice(at + 1, end);
      at = end + 1;
    } else if (character === '"') {
      const quoted = readQuoted(text, at + 1, variables);
      if (!quoted) return undefined;
      word = (word ?? '') + quoted.value;
      at = quoted.end;
    } else if (character === '`') return undefined;
    else if (character === '$') {
      const found = expandAt(text, at, variables);
      if (!found) return undefined;
      // Field splitting: the first field joins the word before, the last one the text after.
      for (const [index, field] of found.value.split(/\s+/).entries()) {
        if (index > 0) endWord();
        if (field !== '') word = (word ?? '') + field;
      }
      at = found.end;
    } else {
      word = (word ?? '') + character;
      at += 1;
    }
  }
  endWord();
  return commands.filter(({ length }) => length > 0);
}

type Part = { value: string; end: number };

function readQuoted(text: string, start: number, variables: Variables): Part | undefined {
  let value = '';
  for (let at = start; at < text.length;) {
    const character = text[at] ?? '';
    if (character === '"') return { value, end: at + 1 };
    if (character === '`') return undefined;
    if (character === '\\') {
      const next = text[at + 1] ?? '';
      if (next !== '\n') value += '$`"\\'.includes(next) ? next : `\\${next}`;
      at += 2;
    } else if (character === '$') {
      const found = expandAt(text, at, variables);
      if (!found) return undefined;
      value += found.value;
      at = found.end;
    } else {
      value += character;
      at += 1;
    }
  }
  return undefined;
}

const NAME = /[A-Za-z_]\w*/y;

/** Expands `$NAME`, `${NAME}`, `${NAME:-word}`, `${NAME-word}` and `${NAME:+word}`; the word may contain others. */
function expandAt(text: string, at: number, variables: Variables): Part | undefined {
  const isBraced = text[at + 1] === '{';
  NAME.lastIndex = at + (isBraced ? 2 : 1);
  const name = NAME.exec(text)?.[0];
  // A dollar before anything else is literal; `$(`, `$1` and the like are not supported.
  if (name === undefined)
    return /^[\s"]?$/.test(text[at + 1] ?? '') ? { value: '$', end: at + 1 } : undefined;
  const value = variables.get(name);
  const behind = NAME.lastIndex;
  if (!isBraced) return { value: value ?? '', end: behind };
  const end = closingBrace(text, behind);
  if (end === undefined) return undefined;
  const rest = text.slice(behind, end);
  const operator = /^(?::?-|:?\+)/.exec(rest)?.[0] ?? '';
  if (operator === '' && rest !== '') return undefined;
  const isSet = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
  const wantsWord = operator.endsWith('+') ? isSet : operator.endsWith('-') && !isSet;
  if (!wantsWord) return { value: operator.endsWith('+') ? '' : (value ?? ''), end: end + 1 };
  const word = readQuoted(`${rest.slice(operator.length).replaceAll('"', '')}"`, 0, variables);
  return word && { value: word.value, end: end + 1 };
}

function closingBrace(text: string, from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1;
    else if (text[at] === '}' && depth === 0) return at;
    else if (text[at] === '}') depth -= 1;
  }
  return undefined;
}
