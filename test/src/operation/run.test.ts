import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeDeployment } from '../../../src/deployment/decode.ts';
import { type Operation, selectOperation } from '../../../src/operation/operation.ts';
import { deployment } from '../support/deployments.ts';

const select = (over: Record<string, unknown>, inputs = {}): Operation | undefined =>
  selectOperation(deployment(inputs, over), []);

test('passes the deployment to a hook as Heat sent it', () => {
  const over = { group: 'salt', config: { a: [1] }, options: { x: null }, anything: 'else' };
  const operation = select(over, { s: 'x' });
  expect(operation).toMatchObject({ deployment: { ...over, name: 'config' } });
});

test('converts the value of an input of type String like Python', () => {
  const operation = select({
    group: 'salt',
    inputs: [
      { name: 'm', type: 'String', value: { a: null } },
      { name: 'none', type: 'String' },
    ],
  });
  expect(operation).toMatchObject({
    deployment: { inputs: [{ name: 'm', type: 'String', value: "{'a': None}" }, { name: 'none' }] },
  });
});

test.each([
  [undefined, undefined],
  [null, undefined],
  [{}, undefined],
  [{ timeout: null }, undefined],
  [{ timeout: 90 }, 90_000],
  [{ timeout: '1.5' }, 1500],
])('reads the time-out of options %j: %j', (options, timeoutMs) => {
  expect(select({ group: 'script', options })).toMatchObject({ kind: 'run', timeoutMs });
});

test.each([[{ timeout: 0 }], [{ timeout: '-1' }], [{ timeout: [] }], ['soon']])(
  'rejects the options %j',
  (options) => {
    const operation = select({ group: 'script', options });
    expect(operation).toMatchObject({ kind: 'refuse', reason: 'timeout-invalid' });
  },
);

const component = (tool: string): Record<string, unknown> => ({
  group: 'component',
  config: { configs: [{ actions: ['UPDATE'], tool, config: '' }] },
});

test.each(['#!/bin/sh\necho secret\n', ['secret'], { configs: 'secret' }, { configs: ['secret'] }])(
  'rejects a component whose config is not a map of parts, without quoting it: %j',
  (config) => {
    const operation = select({ group: 'component', config }, { deploy_action: 'CREATE' });
    expect(operation).toMatchObject({ kind: 'refuse', reason: 'component-malformed' });
    expect(JSON.stringify(operation)).not.toContain('secret');
  },
);

test('rotates for a component whose tool is a rotation, and calls a hook for a nested component', () => {
  const action = { deploy_action: 'UPDATE' };
  expect(select(component('coe-rotate'), action)).toMatchObject({ kind: 'rotate' });
  expect(select(component('component'), action)).toMatchObject({ kind: 'run', hook: 'component' });
});

const asked = (which: string) => deployment({ which }, { group: 'script' });

test('runs again for earlier inputs, whatever came in between', () => {
  const earlier = [asked('A'), asked('B')];
  expect(selectOperation(asked('A'), earlier)).toMatchObject({ kind: 'run' });
});

test('maps any deployment to an operation or none, without an exception', () => {
  const value = fc.jsonValue();
  const config = fc.oneof(
    value,
    fc.record({
      configs: fc.oneof(value, fc.array(fc.record({ actions: value, tool: value, config: value }))),
    }),
  );
  const raw = fc.record({
    id: fc.constant('x'),
    group: fc.oneof(
      fc.constantFrom('script', 'component', 'coe-rotate', '__proto__'),
      fc.string({ unit: 'binary' }),
    ),
    config,
    options: fc.oneof(value, fc.record({ timeout: value })),
    inputs: fc.array(
      fc.record({ name: fc.string(), type: fc.constantFrom('String', 'Json', 'Number'), value }),
    ),
    outputs: fc.array(fc.record({ name: fc.string() })),
  });
  fc.assert(
    fc.property(raw, (one) => {
      const decoded = decodeDeployment(one);
      if (!decoded.ok) return;
      const operation = selectOperation(decoded.deployment, []);
      if (operation?.kind === 'run') expect(operation.hook).toMatch(/^[\p{L}\p{N}_-]+$/u);
    }),
  );
});
