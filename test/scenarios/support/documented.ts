import * as v from 'valibot';
import { expect } from 'vitest';
import { JSON_VERSION } from '../../../agent/commands/json-answer.ts';
import { ANSWERS, isAnswerName } from '../../../agent/commands/schemas.ts';

/** Expects that a verb's `--json` output matches its schema in docs/schema/ exactly. */
export function expectDocumented(verb: string, options: readonly string[], stdout: string): void {
  const answer: unknown = JSON.parse(stdout);
  const isError = v.is(v.object({ error: v.unknown() }), answer);
  const isDry = verb === 'run-once' && options.includes('--dry-run');
  const named = isDry ? 'plan' : options.includes('--where') ? `${verb}-where` : verb;
  const name = isError ? 'error' : named;
  if (!isAnswerName(name)) throw new Error(`${verb} has no schema`);
  const schema = v.object({ version: v.literal(JSON_VERSION), ...ANSWERS[name].entries });
  // The parser drops fields that the schema lacks.
  expect(v.parse(schema, answer)).toEqual(answer);
}
