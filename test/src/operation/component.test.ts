import { expect, test } from 'vitest';
import { partOf } from '../../../src/operation/component.ts';
import { deployment } from '../support/deployments.ts';

/** A component as OS::Heat::SoftwareComponent sends it. */
const component = (config: unknown, action = 'CREATE') =>
  deployment({ deploy_action: action, other: 'x' }, { group: 'component', config });
const CONFIGS = {
  configs: [
    { actions: ['CREATE', 'UPDATE'], tool: 'script', config: 'echo made' },
    { actions: ['DELETE'], tool: 'ansible', config: { a: 1 } },
  ],
};

test.each([
  ['CREATE', 'script', 'echo made'],
  ['UPDATE', 'script', 'echo made'],
  ['DELETE', 'ansible', { a: 1 }],
])('the action %s runs its part with the tool %s', (action, group, config) => {
  const whole = component(CONFIGS, action);
  expect(partOf(whole)).toEqual({ ...whole, group, raw: { ...whole.raw, group, config } });
});

test.each([[CONFIGS, 'SUSPEND'], [{ configs: [] }], [{ configs: null }], [{}]])(
  '%j has no part for the action',
  (config, action = 'CREATE') => {
    expect(partOf(component(config, action))).toBeUndefined();
  },
);

test.each([
  ['text'],
  [[]],
  [{ configs: 'x' }],
  [{ configs: [{ actions: 'CREATE', tool: 'script' }] }],
  [{ configs: [{ actions: ['CREATE'] }] }],
])('refuses the malformed config %j', (config) => {
  expect(partOf(component(config))).toMatchObject({ kind: 'refuse', reason: 'component-malformed' });
});
