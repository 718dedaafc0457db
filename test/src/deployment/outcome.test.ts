import * as v from 'valibot';
import { expect, test } from 'vitest';
import { cutMark, readCut } from '../../../src/base/cut.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import { type Outcome, OutcomeSchema } from '../../../src/deployment/deployment.ts';
import { failed, presentable, succeeded } from '../../../src/deployment/outcome.ts';

test('keeps the code and the reason of the error that a run ended with', () => {
  const error = new AgentError('precondition', 'no', { reason: 'no-tls' });
  expect(failed(error)).toMatchObject({
    statusCode: 1,
    stderr: 'no\n',
    error: { code: 'precondition', reason: 'no-tls' },
  });
  expect(failed(new Error('ours it is not'))).not.toHaveProperty('error');
});

test('tells the declared outputs alone, and no secret', () => {
  const secrets = createSecrets();
  secrets.add('geheimnis-1234');
  const outcome: Outcome = {
    is: 'failed',
    statusCode: 1,
    stdout: 'a geheimnis-1234 b',
    stderr: 'geheimnis-1234',
    outputs: { wanted: 7, other: 8 },
    error: { code: 'unit' },
  };
  const told = presentable(outcome, ['wanted', 'absent', 'toString'], secrets);
  expect(told).toMatchObject({ statusCode: 1, outputs: { wanted: 7 }, error: { code: 'unit' } });
  expect(Object.keys(told.outputs)).toEqual(['wanted']);
  expect(JSON.stringify(told)).not.toContain('geheimnis');
});

test('drops the beginning of a cut text, where half a secret may stand', () => {
  const secrets = createSecrets();
  secrets.add('geheimnis-1234');
  const { stdout } = presentable(succeeded(`${cutMark(10)}imnis-1234${'x'.repeat(30_000)}`), [], secrets);
  const { cut, rest } = readCut(stdout);
  expect(cut).toBeGreaterThan(10);
  expect(rest).toMatch(/^x+$/);
});

test.each([
  ['a status code of 0', { statusCode: 0 }, { is: 'succeeded' }],
  [
    'another status code',
    { statusCode: 7, error: { code: 'unit' } },
    { is: 'failed', error: { code: 'unit' } },
  ],
])('reads what an earlier version recorded with %s', (_, former, outcome) => {
  const record = { stdout: 'a', stderr: 'b', outputs: {}, ...former };
  expect(v.parse(OutcomeSchema, record)).toEqual({ ...record, ...outcome });
  expect(v.parse(OutcomeSchema, v.parse(OutcomeSchema, record))).toEqual({ ...record, ...outcome });
});
