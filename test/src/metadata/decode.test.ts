import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { isObject } from '../../../src/base/json.ts';
import type { Collected } from '../../../src/metadata/collector.ts';
import { deploymentsOf, LARGEST_METADATA, parseMetadata } from '../../../src/metadata/decode.ts';
import { fixture } from '../support/fixtures.ts';
import { thrownBy, valueOrAgentError } from '../support/outcome-of.ts';

const deploymentsIn = (collected: Collected) => deploymentsOf(parseMetadata(collected));

test.each(['metadata-rotate.json', 'metadata-heat.json', 'metadata-cfn-and-component.json'])(
  'decodes real deployments in order, each with its source: %s',
  (name) => {
    const text = fixture(name);
    const written = [...text.matchAll(/^ {6}"id": "([^"]+)"/gm)].map(([, id]) => id);
    expect(written.length).toBeGreaterThan(0);
    const found = deploymentsIn({ source: 'heat', text });
    expect(found.map(({ value }) => isObject(value) && value['id'])).toEqual(written);
    expect(found.every(({ source }) => source === 'heat')).toBe(true);
  },
);

test('rejects metadata that is too large, whatever its content', () => {
  const text = `{"deployments": [], "x": "${'x'.repeat(LARGEST_METADATA)}"}`;
  const error = thrownBy(() => deploymentsIn({ source: '/var/lib/x.json', text }));
  expect(error).toMatchObject({ code: 'bad-metadata', reason: 'metadata-too-large' });
});

test('finds no deployments in metadata without them', () => {
  for (const text of ['{}', '{"deployments": []}', '{"deployments": null}', '{"os-collect-config": {}}'])
    expect(deploymentsIn({ source: 'x', text })).toEqual([]);
});

test.each([
  ['[]', 'not-an-object'],
  ['null', 'not-an-object'],
  ['{"deployments": {}}', 'deployments-not-a-list'],
  ['{"deployments": "x"}', 'deployments-not-a-list'],
  ['{"deployments": [', 'not-json'],
  ['', 'not-json'],
])('rejects %j as bad metadata, and names its source', (text, reason) => {
  const error = thrownBy(() => deploymentsIn({ source: '/var/lib/x.json', text }));
  expect(error).toMatchObject({ code: 'bad-metadata', reason });
  expect(error.message).toContain('/var/lib/x.json');
});

test('decodes any text to a list of deployments or an error', () => {
  const json = fc.jsonValue().map((value) => JSON.stringify(value));
  const close = fc.jsonValue().map((value) => JSON.stringify({ deployments: value }));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), json, close), (text) => {
      const result = valueOrAgentError(() => deploymentsIn({ source: 'x', text }));
      if (result instanceof AgentError) expect(result.code).toBe('bad-metadata');
      else expect(Array.isArray(result)).toBe(true);
    }),
  );
});
