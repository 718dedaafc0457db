import type { ExactNumber } from './exact-json.ts';
import { isObject } from './json.ts';

/**
 * Writes JSON values as Python does. Scripts written for os-collect-config expect the output of `str` and `json.dumps`
 * in their environment.
 */

/** `str(value)`: text unchanged, `True`, `None`, and maps and lists as Python source. */
export const pythonStr = (value: unknown): string => (typeof value === 'string' ? value : repr(value));

/** `json.dumps(value)`: a blank after each comma and colon, ASCII only. */
export function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (isObject(value))
    return `{${Object.entries(value)
      .map(([name, part]) => `${pythonJson(name)}: ${pythonJson(part)}`)
      .join(', ')}}`;
  if (typeof value === 'number' || JSON.isRawJSON(value))
    return pythonNumber(value).replace('inf', 'Infinity');
  return (JSON.stringify(value) ?? 'null').replaceAll(/[\u007f-\uffff]/g, (unit) => escape(unit, 'u', 4));
}

/** `repr` of a number: all digits of an integer; otherwise the fewest digits that identify the double. */
function pythonNumber(value: number | ExactNumber): string {
  const source = typeof value === 'number' ? String(value) : value.rawJSON;
  if (/^-?\d+$/.test(source)) return source;
  const number = Number(source);
  if (!Number.isFinite(number)) return number > 0 ? 'inf' : '-inf';
  const [digits = '', exponent = ''] = number.toExponential().split('e');
  const power = Number(exponent);
  const sign = Object.is(number, -0) ? '-' : '';
  if (power < -4 || power >= 16)
    return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  const plain = String(number);
  return sign + (plain.includes('.') ? plain : `${plain}.0`);
}

function repr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  if (typeof value === 'number' || JSON.isRawJSON(value)) return pythonNumber(value);
  if (!isObject(value)) return pythonJson(value);
  const parts = Object.entries(value).map(([name, part]) => `${quoted(name)}: ${repr(part)}`);
  return `{${parts.join(', ')}}`;
}

/** Uses single quotes, unless double quotes avoid a backslash. */
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
