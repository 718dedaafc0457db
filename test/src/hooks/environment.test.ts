import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { baseEnvironment, environmentOf } from '../../../src/hooks/environment.ts';
import { valueOrAgentError } from '../support/outcome-of.ts';

test('of the own environment a hook gets what it may need, and no more', () => {
  const own = {
    PATH: '/bin',
    HTTPS_PROXY: 'p',
    no_proxy: 'n',
    HEAT_X: 'h',
    LC_ALL: 'C',
    SECRET: 's',
    NODE_OPTIONS: 'o',
  };
  expect(Object.fromEntries(baseEnvironment(own))).toEqual({
    PATH: '/bin',
    HOME: '/root',
    LANG: 'C.UTF-8',
    HTTPS_PROXY: 'p',
    no_proxy: 'n',
    HEAT_X: 'h',
    LC_ALL: 'C',
  });
});

test('an input stands in for any variable; of two of a name the last counts', () => {
  const inputs = [
    { name: 'PATH', value: '/mine' },
    { name: 'a', value: '1' },
    { name: 'a', value: '2' },
  ];
  expect(environmentOf(inputs, [['PATH', '/bin']])).toEqual([
    ['PATH', '/mine'],
    ['a', '2'],
  ]);
});

test('any inputs are an environment, or are refused', () => {
  const input = fc.record(
    { name: fc.string({ unit: 'binary' }), type: fc.string(), value: fc.jsonValue() },
    { requiredKeys: ['name'] },
  );
  fc.assert(
    fc.property(fc.array(input), (inputs) => {
      const made = valueOrAgentError(() => environmentOf(inputs, []));
      if (made instanceof AgentError) expect(made.code).toBe('bad-deployment');
      else for (const pair of made) expect(pair.join('')).not.toContain('\0');
    }),
  );
});

test('a million inputs are taken', () => {
  const inputs = Array.from({ length: 1_000_000 }, (_, index) => ({ name: `n${index}`, value: index }));
  expect(environmentOf(inputs, [])).toHaveLength(1_000_000);
});
