import { expect, test } from 'vitest';
import { cfnCollector } from '../../../src/metadata/cfn.ts';
import { NEVER } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const METADATA = '{"deployments": [1], "deep": {"er": {"x": 1}}, "none": null}';

/** Makes a collector with these paths, and the list of fields that it requested. */
const collecting = (...paths: string[]) => {
  const asked: unknown[] = [];
  const collector = cfnCollector(async (of) => {
    asked.push(of);
    return await Promise.resolve(METADATA);
  }, paths);
  return { asked, collect: async () => await collector.collect(NEVER) };
};

test('returns a source per path, in the order of the configuration', async () => {
  const { asked, collect } = collecting('node.Metadata', 'other.Metadata.deep.er');
  expect(await collect()).toEqual([
    { source: 'cfn node.Metadata', text: METADATA },
    { source: 'cfn other.Metadata.deep.er', text: '{"x":1}' },
  ]);
  expect(asked).toEqual([
    { resourceName: 'node', field: 'Metadata' },
    { resourceName: 'other', field: 'Metadata' },
  ]);
});

test.each(['gone', 'deep.gone', 'deployments.0', 'none.x', '__proto__', 'constructor'])(
  'rejects a path that does not exist: %s',
  async (keys) => {
    const error = await agentErrorOf(collecting(`node.Metadata.${keys}`).collect());
    expect(error.code).toBe('bad-metadata');
  },
);
