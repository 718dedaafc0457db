import * as v from 'valibot';
import { expect, test } from 'vitest';
import { cutMark, readCut } from '../../../src/base/cut.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import { type Outcome, OutcomeSchema } from '../../../src/deployment/deployment.ts';
import { failed, presentable, succeeded } from '../../../src/deployment/outcome.ts';

test('keeps code and reason of the error that ended a run', () => {
  const error = new AgentError('precondition', 'no', { reason: 'no-tls' });
  expect(failed(error)).toMatchObject({
    statusCode: 1,
    stderr: 'no\n',
    error: { code: 'precondition', reason: 'no-tls' },
  });
  expect(failed(new Error('ours it is not'))).not.toHaveProperty('error');
});

test('reports only declared outputs, without secrets', () => {
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

test('drops the first line of a cut text, which may contain half a secret', () => {
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
])('reads an outcome recorded by an earlier version with %s', (_, former, outcome) => {
  const record = { stdout: 'a', stderr: 'b', outputs: {}, ...former };
  expect(v.parse(OutcomeSchema, record)).toEqual({ ...record, ...outcome });
  expect(v.parse(OutcomeSchema, v.parse(OutcomeSchema, record))).toEqual({ ...record, ...outcome });
});
