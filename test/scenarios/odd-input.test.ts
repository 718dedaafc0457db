import { expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { createSite } from './support/site.ts';

/** Input that Heat never sends, beside a valid deployment, which must run nevertheless. */

const cloud = await cloudForFile();

const LOCAL = '/var/lib/os-collect-config/local-data/all.json';
const SCRIPT = '#!/bin/sh\necho ran';
const GOOD = JSON.stringify({ id: 'good', group: 'script', config: '#!/bin/sh\necho good', inputs: [] });

/** A script deployment with other fields, as JSON text. */
const odd = (fields: Record<string, unknown>): string =>
  JSON.stringify({ id: 'odd', group: 'script', config: SCRIPT, inputs: [], ...fields });

/** Replaces `"DEEP"` by JSON that is nested too deep for JSON.stringify. */
const nested = (depth: number, fields: Record<string, unknown>): string =>
  odd(fields).replace('"DEEP"', `${'['.repeat(depth)}${']'.repeat(depth)}`);

const DEEP = 100_000;
const TOO_DEEP = 'nested too deep';

const input = (type: string, value: unknown): { inputs: unknown[] } => ({
  inputs: [{ name: 'x', type, value }],
});

async function passWith(...deployments: readonly string[]) {
  const site = await createSite(cloud, { bare: true, config: { collectors: ['local'] } });
  await site.node.write(LOCAL, `{"deployments":[${[...deployments, GOOD].join(',')}]}`);
  const { settled, problems, unserved } = await site.pass();
  const outcomes = new Map(settled.map(({ id, outcome }) => [id, outcome]));
  expect(outcomes.get('good')).toMatchObject({ statusCode: 0, stdout: 'good\n' });
  return { odd: outcomes.get('odd'), problems: problems.map(({ reason }) => reason), unserved };
}

test.each([
  ['a text', nested(DEEP, input('String', 'DEEP')), TOO_DEEP],
  ['a text of some thousand levels', nested(5000, input('String', 'DEEP')), TOO_DEEP],
  ['a variable', nested(DEEP, input('Json', 'DEEP')), TOO_DEEP],
  ['a script', nested(DEEP, { config: 'DEEP' }), TOO_DEEP],
  ['a component', nested(DEEP, { group: 'component', config: { configs: 'DEEP' } }), TOO_DEEP],
  ['an unused field', nested(DEEP, { options: { other: 'DEEP' } }), TOO_DEEP],
])('rejects deeply nested JSON in place of %s in plain words', async (_, deployment, why) => {
  const result = await passWith(deployment);
  expect(result).toMatchObject({ problems: [], odd: { statusCode: 1 } });
  expect(result.odd?.stderr).toContain(why);
});

test.each([
  ['a hundred levels', nested(100, input('Json', 'DEEP'))],
  [
    'nulls',
    odd({ name: null, outputs: null, options: null, inputs: [{ name: 'x', type: null, value: null }] }),
  ],
  ['an output that is a path', odd({ outputs: [{ name: '../../x' }, { name: '__proto__' }] })],
  ['half a character', odd(input('String', '\ud800'))],
])('accepts %s', async (_, deployment) => {
  expect(await passWith(deployment)).toMatchObject({
    problems: [],
    odd: { statusCode: 0, stdout: 'ran\n', outputs: {} },
  });
});

test('runs the first of two deeply nested deployments with one id', async () => {
  const deployment = nested(100, { other: 'DEEP' });
  expect(await passWith(deployment, deployment.replace('ran', 'other'))).toMatchObject({
    odd: { statusCode: 0 },
    problems: ['deployment-twice'],
  });
});

test('reports ten thousand inputs in plain words', async () => {
  const inputs = Array.from({ length: 10_000 }, (_, index) => ({
    name: `n${index}`,
    value: 'x'.repeat(700),
  }));
  const result = await passWith(odd({ inputs }));
  expect(result.odd).toMatchObject({ error: { code: 'unit', reason: 'environment-too-large' } });
});

test.each(['../..', '\0', ' \n', '#', 'x'.repeat(300)])('ignores the group %j', async (group) => {
  expect(await passWith(odd({ group }))).toMatchObject({ odd: undefined, problems: [] });
});

test.each([
  ['an id', { id: 'DEEP' }],
  ['a group', { group: 'DEEP' }],
  ['the list of inputs', { inputs: 'DEEP' }],
  ['an id that is a path', { id: '../../etc/passwd' }],
  ['an id that is a number', { id: 7 }],
])('reports a deployment without an address for the answer, with an invalid field: %s', async (_, fields) => {
  const { odd: settled, problems } = await passWith(nested(DEEP, fields));
  expect(settled).toBeUndefined();
  expect(problems).toHaveLength(1);
});
