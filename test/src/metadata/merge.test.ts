import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { isObject, mergeDeep } from '../../../src/base/json.ts';
import type { Said } from '../../../src/metadata/decode.ts';
import { mergeMetadata } from '../../../src/metadata/merge.ts';
import { fixture, jsonObject, listIn } from '../support/fixtures.ts';
import { valueOrAgentError } from '../support/outcome-of.ts';

const said = (...all: Record<string, unknown>[]): Said[] =>
  all.map((metadata, index) => ({ source: String(index), metadata }));

/** Sources, with the results of os-collect-config 12.0.0 and os-apply-config 12.0.0. */
const measured = listIn(jsonObject(`{"all": ${fixture('merged-metadata.json')}}`), 'all').map((one) => {
  const { what, sources, merged } = jsonObject(JSON.stringify(one));
  const all = (Array.isArray(sources) ? (sources as unknown[]) : []).map((source) => {
    const metadata = isObject(source) ? source['metadata'] : undefined;
    return isObject(metadata) ? metadata : {};
  });
  return { what: String(what), sources: all, merged };
});

test('finds measured results in the fixture', () => {
  expect(measured.length).toBeGreaterThan(30);
});

test.each(measured)('merges like the predecessor: $what', ({ sources, merged }) => {
  expect(mergeMetadata(said(...sources))).toEqual(merged);
});

const json = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', '__proto__', 'deployments'),
  fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), tie('value'), { maxKeys: 3 }),
    ),
  })).value,
);

/** Lists every path to a value that is not a map, or an empty one, with the value. */
function leaves(value: unknown, path: readonly string[] = []): [readonly string[], unknown][] {
  if (!isObject(value) || Object.keys(value).length === 0) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce((inner, key) => (isObject(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined), value);

test('keeps every key of both maps and every leaf of the later one, and does not change its arguments', () => {
  fc.assert(
    fc.property(json, json, (under, over) => {
      const before = JSON.stringify([under, over]);
      const merged = mergeDeep(under, over);
      for (const [path, leaf] of leaves(over)) if (!isObject(leaf)) expect(at(merged, path)).toEqual(leaf);
      expect(new Set(Object.keys(merged))).toEqual(new Set([...Object.keys(under), ...Object.keys(over)]));
      expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
      expect(JSON.stringify([under, over])).toBe(before);
    }),
  );
});

test('is idempotent, and ignores an empty map', () => {
  fc.assert(
    fc.property(json, (one) => {
      expect(mergeDeep(one, one)).toEqual(one);
      expect(mergeDeep({}, one)).toEqual(one);
      expect(mergeDeep(one, {})).toEqual(one);
    }),
  );
});

test('merges any metadata, or rejects it as nested too deep', () => {
  fc.assert(
    fc.property(fc.array(json, { maxLength: 4 }), (all) => {
      expect(mergeMetadata(said(...all))).toBeTypeOf('object');
    }),
  );
  const deep = jsonObject('{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000));
  const result = valueOrAgentError(() => mergeMetadata(said(deep, deep)));
  expect(result instanceof AgentError ? result.code : result).toBe('bad-metadata');
});
