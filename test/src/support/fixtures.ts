import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject } from '../../../src/base/json.ts';

/** Returns a captured answer of a real service as text. */
export const fixture = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../fixtures', name), 'utf8');

export function jsonObject(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (isObject(value)) return value;
  throw new Error('no JSON object');
}

export function listIn(object: Record<string, unknown>, key: string): unknown[] {
  const value = object[key];
  if (Array.isArray(value)) return value;
  throw new Error(`no list in ${key}`);
}

export function textIn(object: Record<string, unknown>, key: string): string {
  const value = object[key];
  if (typeof value === 'string') return value;
  throw new Error(`no text in ${key}`);
}
