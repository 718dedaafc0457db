import { expect, test } from 'vitest';
import { boundSecrets } from '../../../src/deployment/bound-secrets.ts';
import { secretsOf } from '../../../src/deployment/deployment.ts';
import { deployment } from '../support/deployments.ts';

/** Makes a deployment with `count` secret inputs of `length` characters each. */
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
])('rejects a deployment with more %s than can be redacted', (_, one) => {
  expect(secretsOf(one).length).toBeGreaterThan(1);
  const [bounded] = boundSecrets([one]);
  expect(bounded).toMatchObject({ id: one.id, inputs: {}, raw: {}, fault: { code: 'bad-deployment' } });
  expect(bounded?.signal).toEqual(one.signal);
});

test('shares one bound in a pass, and still accepts a later deployment that fits', () => {
  const half = withSecrets('half', 900, 10);
  const [first, second, third] = boundSecrets([half, half, withSecrets('small', 3, 10)]);
  expect(first === half).toBe(true);
  expect(second?.fault).toMatchObject({ code: 'bad-deployment' });
  expect(third?.fault).toBeUndefined();
});
