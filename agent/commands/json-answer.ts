import * as v from 'valibot';
import { AgentError, explain } from '../../src/base/errors.ts';
import type { Outcome } from '../../src/deployment/deployment.ts';
import type { Secrets } from '../../src/base/secrets.ts';
import type { Output } from '../process-io.ts';
import type { Answer, AnswerName } from './schemas.ts';

/** A version only gains fields: docs/schema/ of an earlier commit still holds. */
export const JSON_VERSION = 1;

export type Answering = { world: { stdout: Output }; secrets: Secrets };

/** Writes the answer of a verb as one JSON object, redacted: the whole of standard output. */
export function writeJson<Name extends AnswerName>(
  { world, secrets }: Answering,
  _name: Name,
  answer: Answer<Name>,
): void {
  // As it would be read: dates are texts, and what is undefined is not there.
  const plain: unknown = JSON.parse(JSON.stringify({ version: JSON_VERSION, ...answer }));
  world.stdout.write(`${JSON.stringify(secrets.redactWithin(plain), undefined, 2)}\n`);
}

/** Writes what a verb failed with; the code of an error that is not the program's own is `internal`. */
export function writeJsonError(to: Answering, error: unknown): void {
  const message = explain(error);
  const { code, reason, kind } =
    error instanceof AgentError ? error : { code: 'internal', reason: undefined, kind: 'failed' };
  writeJson(to, 'error', { error: { code, reason, kind, message } });
}

/** A problem as it is shown to a program. */
export const problemOf = (
  problem: AgentError,
): { code: string; reason: string | undefined; message: string } => ({
  code: problem.code,
  reason: problem.reason,
  message: explain(problem),
});

/** The outputs of a run that an answer holds; a deployment's outputs are Heat's, and have no types. */
export const outputsAs = <Schema extends v.GenericSchema>(
  schema: Schema,
  { outputs }: Pick<Outcome, 'outputs'>,
): v.InferOutput<Schema> => v.parse(schema, outputs);
