import * as v from 'valibot';
import { expect, test } from 'vitest';
import { describeIssues } from '../../../src/base/issue.ts';

const SECRET = 'a secret that nobody should see';
const Schema = v.strictObject({
  list: v.array(v.string()),
  name: v.pipe(v.string(), v.regex(/^[a-z]$/)),
  url: v.optional(v.pipe(v.string(), v.regex(/^http/, 'is no http address'))),
});

const described = (value: unknown): string => {
  const { issues } = v.safeParse(Schema, value);
  return issues ? describeIssues(issues, 'config') : '';
};

test.each([
  [{}, 'config.list, config.name are missing'],
  [{ list: [] }, 'config.name is missing'],
  [{ list: SECRET, name: 'a' }, 'config.list: expected a list, found a text'],
  [{ list: [7], name: 'a' }, 'config.list.0: expected a text, found a number'],
  [{ list: { x: SECRET }, name: 'a' }, 'config.list: expected a list, found a map'],
  [{ list: [], name: SECRET }, 'config.name: expected /^[a-z]$/'],
  [{ list: [], name: 'a', url: SECRET }, 'config.url: is no http address'],
  [{ list: [], name: 'a', other: SECRET }, 'config.other: there is no such key'],
  [SECRET, 'config: expected a map, found a text'],
  [null, 'config: expected a map, found null'],
])('names the option and the expected type, never the value: %j', (value, words) => {
  expect(described(value)).toBe(words);
});
