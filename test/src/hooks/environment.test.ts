import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { baseEnvironment, environmentOf } from '../../../src/hooks/environment.ts';
import { valueOrAgentError } from '../support/outcome-of.ts';

test("passes only the needed part of the agent's environment to a hook", () => {
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

test('lets an input override any variable, and the last of two inputs with the same name win', () => {
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

test('makes an environment of any inputs, or rejects them', () => {
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

test('accepts a million inputs', () => {
  const inputs = Array.from({ length: 1_000_000 }, (_, index) => ({ name: `n${index}`, value: index }));
  expect(environmentOf(inputs, [])).toHaveLength(1_000_000);
});
