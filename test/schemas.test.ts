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
  ['a field removed', withFields({ id: undefined }), ['/properties/id: removed']],
  ['a field of another type', withFields({ id: { type: 'number' } }), ['/properties/id/type: changed']],
  ['a field that may be absent', withFields({}, ['version']), ['/required/id: may be absent']],
  [
    'a value more',
    withFields({ state: { enum: ['on', 'off', 'odd'] } }),
    ['/properties/state/enum: changed'],
  ],
  [
    'a field removed within a list',
    withFields({ list: { type: 'array', items: { type: 'object', properties: {}, required: ['at'] } } }),
    ['/properties/list/items/properties/at: removed'],
  ],
  [
    'a bound more',
    withFields({ id: { type: 'string', maxLength: 3 } }),
    ['/properties/id/maxLength: changed'],
  ],
] as const)('%s breaks the readers of a schema', (_, later, faults) => {
  expect(broken(FIELDS, later)).toEqual(faults);
});

test.each([
  ['a field more', withFields({ name: { type: 'string' } }, ['version', 'id', 'name'])],
  ['a description', withFields({ id: { type: 'string', description: 'of Heat' } })],
  ['a new version', withFields({ version: { const: 2 }, id: undefined }, ['version'])],
])('%s is compatible', (_, later) => {
  expect(broken(FIELDS, later)).toEqual([]);
});
