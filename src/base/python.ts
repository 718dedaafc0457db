import { isObject } from './json.ts';

/**
 * How Python writes a JSON value. os-collect-config's world is written in it, and what a script finds in its
 * environment is what `str` and `json.dumps` make there.
 */

/** `str(value)`: text as it is, `True`, `None`, and maps and lists as Python writes them in a program. */
export const pythonStr = (value: unknown): string => (typeof value === 'string' ? value : repr(value));

/** `json.dumps(value)`: with a blank behind each comma and colon, in ASCII alone. */
export function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (isObject(value))
    return `{${Object.entries(value)
      .map(([name, part]) => `${pythonJson(name)}: ${pythonJson(part)}`)
      .join(', ')}}`;
  return (JSON.stringify(value) ?? 'null').replaceAll(/[\u007f-\uffff]/g, (unit) => escape(unit, 'u', 4));
}

function repr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  if (!isObject(value)) return pythonJson(value);
  const parts = Object.entries(value).map(([name, part]) => `${quoted(name)}: ${repr(part)}`);
  return `{${parts.join(', ')}}`;
}

/** In single quotes, unless that would take a backslash which double ones save. */
function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replaceAll(/[\\'"]|[\p{C}\p{Z}]/gu, (character) => {
    if (character === ' ') return character;
    if (character === '"' || character === "'") return character === quote ? `\\${character}` : character;
    return SHORT[character] ?? escaped(character);
  });
  return `${quote}${body}${quote}`;
}

const SHORT: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x100) return escape(character, 'x', 2);
  return code < 0x10000 ? escape(character, 'u', 4) : escape(character, 'U', 8);
}

const escape = (character: string, letter: string, digits: number): string =>
  `\\${letter}${(character.codePointAt(0) ?? 0).toString(16).padStart(digits, '0')}`;
