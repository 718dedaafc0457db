import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Config } from '../../../agent/config.ts';
import { withSection } from '../../../agent/polling/section.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { load, PATH } from '../../scenarios/support/config.ts';
import { fixture, jsonObject } from '../../src/support/fixtures.ts';
import { faultOf, valueOrAgentError } from '../../src/support/outcome-of.ts';

const USER = { auth_url: 'http://k/v3', user_id: 'u', password: 'p', project_id: 'p1' };
const HEAT = { ...USER, stack_id: 's/1', resource_name: 'r' };

/** Makes the configuration of a node that polls Heat. */
const configOf = async (more = 'poll: { max_seconds: 20 }\n'): Promise<Config> =>
  (await load({ [PATH]: `heat: ${JSON.stringify(HEAT)}\n${more}` })).config;

test.each(['metadata-heat.json', 'metadata-rotate.json', 'metadata-cfn-and-component.json'])(
  'accepts the section of a real Heat: %s',
  async (name) => {
    const config = await configOf();
    const section = jsonObject(JSON.stringify(jsonObject(fixture(name))['os-collect-config']));
    expect(withSection(config, section)).toMatchObject({ collectors: section['collectors'] });
  },
);

test('accepts any section as a configuration or rejects it', async () => {
  const config = await configOf();
  const name = fc.constantFrom(
    'collectors',
    'heat',
    'cfn',
    'request',
    'local',
    'polling_interval',
    'path',
    'metadata_url',
  );
  const value = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.constantFrom('heat', 'cfn', 'http://a', null),
      fc.dictionary(name, tie('any'), { maxKeys: 4 }),
      fc.array(tie('any'), { maxLength: 3 }),
    ),
  })).any;
  fc.assert(
    fc.property(value, (section) => {
      const result = valueOrAgentError(() => withSection(config, section));
      if (result instanceof AgentError) expect(result.code).toBe('config');
      else expect(result.collectors.length).toBeGreaterThan(0);
    }),
    { numRuns: 500 },
  );
  const deep: unknown = JSON.parse('{"heat":'.repeat(50_000) + '1' + '}'.repeat(50_000));
  expect(withSection(config, { heat: deep, collectors: [deep, 'local'] }).collectors).toEqual(['local']);
});

test('takes use_websockets from the node: Heat never sends it', async () => {
  const config = await configOf();
  const zaqar = {
    auth_url: 'http://k/v3',
    user_id: 'u',
    password: 'p',
    project_id: 'p1',
    queue_id: 'q',
  };
  const configured = { ...config, zaqar: { ...zaqar, use_websockets: true } };
  const section = { collectors: ['zaqar'], zaqar: { ...zaqar, queue_id: 'another' } };
  expect(withSection(configured, section).zaqar).toMatchObject({ queue_id: 'another', use_websockets: true });
  expect(withSection(config, section).zaqar).toMatchObject({ use_websockets: false });
});

test('overrides only the keys that it contains; null counts as absent', async () => {
  const config = await configOf();
  const said = withSection(config, {
    polling_interval: 40,
    heat: { ...HEAT, password: 'new' },
    zaqar: { queue_id: null },
  });
  expect(said).toMatchObject({
    collectors: config.collectors,
    heat: { password: 'new' },
    poll: { max_seconds: 40 },
    keys: config.keys,
  });
  expect(withSection(config, {})).toEqual(config);
});

test('reads numbers and switches as an INI file has them', async () => {
  const config = await configOf();
  const zaqar = { ...USER, queue_id: 7, use_websockets: true };
  expect(withSection(config, { collectors: ['zaqar'], zaqar }).zaqar).toMatchObject({ queue_id: '7' });
});

test('ignores an incomplete section of an unused collector, and rejects one of a used collector', async () => {
  const config = await configOf();
  const cfn = { metadata_url: 'http://h/v1/' };
  expect(withSection(config, { collectors: ['local'], cfn }).collectors).toEqual(['local']);
  expect(faultOf(() => withSection(config, { collectors: ['cfn'], cfn }))).toEqual({
    code: 'config',
    reason: 'invalid',
  });
});
