import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { readOsloConfig } from '../../../agent/config/oslo.ts';
import { knownOptions } from '../../../agent/config/predecessor.ts';

/** Parses the same files with the agent and oslo.config; capture.py made golden.json with oslo.config 9.0.0. */

const Case = v.object({ name: v.string(), lines: v.array(v.string()) });
const Sections = v.record(v.string(), v.record(v.string(), v.union([v.string(), v.array(v.string())])));
const Golden = v.record(v.string(), v.union([v.object({ refused: v.string() }), Sections]));

const read = (name: string): unknown =>
  JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as unknown;
const cases = v.parse(v.array(Case), read('cases.json'));
const golden = v.parse(Golden, read('golden.json'));

/** oslo.config rejects the whole file; the agent keeps the text unchanged, or treats the option as missing. */
const REFUSED_THERE: Readonly<Record<string, string>> = {
  'an unknown option': 'pa$word',
  'an unknown section': 'pa$user_id.x',
  'an option that refers to itself': '$password',
  'a name in capitals': '$USER_ID',
};

test.each(cases.map((one) => [one.name, one.lines] as const))('%s', (name, lines) => {
  const { section } = readOsloConfig(`${lines.join('\n')}\n`, knownOptions);
  const expected = golden[name] ?? {};
  if ('refused' in expected) {
    expect(section('heat').get('password')?.at(-1)).toBe(REFUSED_THERE[name]);
    return;
  }
  for (const group of ['DEFAULT', 'heat', 'cfn', 'local'])
    for (const [option, fallback] of knownOptions(group)) {
      const value = expected[group]?.[option];
      const found = section(group).get(option);
      if (Array.isArray(value)) expect(found, option).toEqual(value);
      // Non-text defaults are not captured.
      else if (found !== undefined || value !== undefined)
        expect(found?.at(-1) ?? fallback, option).toBe(value);
    }
});

test('covers every captured case, and lists only existing differences', () => {
  expect(Object.keys(golden)).toEqual(cases.map(({ name }) => name));
  const refused = Object.entries(golden).filter(([, found]) => 'refused' in found);
  expect(refused.map(([name]) => name)).toEqual(Object.keys(REFUSED_THERE));
});
