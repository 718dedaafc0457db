import { expect, test } from 'vitest';
import { boundSecrets } from '../../../src/deployment/bound-secrets.ts';
import { secretsOf } from '../../../src/deployment/deployment.ts';
import { deployment } from '../support/deployments.ts';

/** A deployment with so many secret inputs of so many characters each. */
const withSecrets = (id: string, count: number, length: number) =>
  deployment(
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`password_${index}`, `${index}`.padEnd(length, 'x')]),
    ),
    { id },
  );

test.each([
  ['values', withSecrets('many', 2001, 10)],
  ['characters', withSecrets('long', 2, 300 * 1024)],
])('a deployment with more %s than can be redacted has a fault, and nothing to do', (_, one) => {
  expect(secretsOf(one).length).toBeGreaterThan(1);
  const [bounded] = boundSecrets([one]);
  expect(bounded).toMatchObject({ id: one.id, inputs: {}, raw: {}, fault: { code: 'bad-deployment' } });
  expect(bounded?.signal).toEqual(one.signal);
});

test('the bound is one for all of a pass; what comes behind and fits is done', () => {
  const half = withSecrets('half', 900, 10);
  const [first, second, third] = boundSecrets([half, half, withSecrets('small', 3, 10)]);
  expect(first === half).toBe(true);
  expect(second?.fault).toMatchObject({ code: 'bad-deployment' });
  expect(third?.fault).toBeUndefined();
});
