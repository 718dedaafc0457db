import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import {
  broken,
  NAMES,
  pathOf,
  readSchema,
  schemaOf,
  textOf,
  type Schema,
} from '../scripts/docs.d/schemas.ts';

test.each(NAMES)('docs/schema/%s.json is current and compatible with its readers', async (name) => {
  const text = await readFile(pathOf(name), 'utf8');
  expect(broken(readSchema(text), schemaOf(name))).toEqual([]);
  expect(text, 'npm run docs').toBe(textOf(schemaOf(name)));
});

const PROPERTIES: Schema = {
  version: { const: 1 },
  id: { type: 'string' },
  state: { enum: ['on', 'off'] },
  list: {
    type: 'array',
    items: { type: 'object', properties: { at: { type: 'string' } }, required: ['at'] },
  },
};
const FIELDS: Schema = { type: 'object', properties: PROPERTIES, required: ['version', 'id'] };

/** Returns the schema with some of its fields replaced; undefined removes one. */
const withFields = (fields: Schema, required = ['version', 'id']): Schema =>
  readSchema(JSON.stringify({ ...FIELDS, properties: { ...PROPERTIES, ...fields }, required }));

test.each([
  ['removing a field', withFields({ id: undefined }), ['/properties/id: removed']],
  ['changing the type of a field', withFields({ id: { type: 'number' } }), ['/properties/id/type: changed']],
  ['making a field optional', withFields({}, ['version']), ['/required/id: may be absent']],
  [
    'adding a value',
    withFields({ state: { enum: ['on', 'off', 'odd'] } }),
    ['/properties/state/enum: changed'],
  ],
  [
    'removing a field within a list',
    withFields({ list: { type: 'array', items: { type: 'object', properties: {}, required: ['at'] } } }),
    ['/properties/list/items/properties/at: removed'],
  ],
  [
    'adding a bound',
    withFields({ id: { type: 'string', maxLength: 3 } }),
    ['/properties/id/maxLength: changed'],
  ],
] as const)('%s breaks the readers of a schema', (_, later, faults) => {
  expect(broken(FIELDS, later)).toEqual(faults);
});

test.each([
  ['adding a field', withFields({ name: { type: 'string' } }, ['version', 'id', 'name'])],
  ['adding a description', withFields({ id: { type: 'string', description: 'of Heat' } })],
  ['increasing the version', withFields({ version: { const: 2 }, id: undefined }, ['version'])],
])('%s is compatible', (_, later) => {
  expect(broken(FIELDS, later)).toEqual([]);
});
