import * as v from 'valibot';
import { expect, test } from 'vitest';
import {
  JSON_VERSION,
  outputsAs,
  problemOf,
  writeJson,
  writeJsonError,
} from '../../../agent/commands/json-answer.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { createSecrets } from '../../../src/base/secrets.ts';

/** Returns what is written to standard output, as a reader parses it. */
function written(write: (to: Parameters<typeof writeJson>[0]) => void): unknown {
  let text = '';
  const secrets = createSecrets();
  secrets.add('geheim-4711');
  write({ world: { stdout: { write: (part) => (text += part) } }, secrets });
  return JSON.parse(text);
}

test('writes one object with the version, without secrets and undefined fields', () => {
  const answer = { changed: false, reason: 'list-in-place', why: 'it is geheim-4711', files: [] } as const;
  expect(written((to) => writeJson(to, 'revoke', answer))).toEqual({
    version: JSON_VERSION,
    ...answer,
    why: 'it is ***',
  });
});

test('writes the code of an error, its reason and how to handle it', () => {
  const error = new AgentError('lock-held', 'held by geheim-4711', { reason: 'daemon' });
  expect(written((to) => writeJsonError(to, error))).toEqual({
    version: JSON_VERSION,
    error: { code: 'lock-held', reason: 'daemon', kind: 'refused', message: 'held by ***' },
  });
  expect(written((to) => writeJsonError(to, new TypeError('a bug')))).toMatchObject({
    error: { code: 'internal', kind: 'failed', message: 'a bug' },
  });
});

test('names a problem by its code, with the causes in the message', () => {
  const cause = new Error('the cause');
  expect(problemOf(new AgentError('disk', 'reading', { cause }))).toMatchObject({
    code: 'disk',
    reason: undefined,
  });
  expect(problemOf(new AgentError('disk', 'reading', { cause })).message).toContain('the cause');
});

test('takes only outputs of the expected shape', () => {
  const schema = v.object({ files: v.array(v.string()) });
  expect(outputsAs(schema, { outputs: { files: ['/a'] } })).toEqual({ files: ['/a'] });
  expect(() => outputsAs(schema, { outputs: { files: 1 } })).toThrow(v.ValiError);
});
