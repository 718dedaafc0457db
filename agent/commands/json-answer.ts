import * as v from 'valibot';
import { AgentError, explain } from '../../src/base/errors.ts';
import type { Outcome } from '../../src/deployment/deployment.ts';
import type { Secrets } from '../../src/base/secrets.ts';
import type { Output } from '../process-io.ts';
import type { Answer, AnswerName } from './schemas.ts';

/** Fields are only ever added within a version: docs/schema/ of an earlier commit remains valid. */
export const JSON_VERSION = 1;

export type Answering = { world: { stdout: Output }; secrets: Secrets };

/** Writes a verb's answer, redacted, as one JSON object: it is all of standard output. */
export function writeJson<Name extends AnswerName>(
  { world, secrets }: Answering,
  _name: Name,
  answer: Answer<Name>,
): void {
  // Convert to the form that a reader gets: dates become strings, and undefined fields disappear.
  const plain: unknown = JSON.parse(JSON.stringify({ version: JSON_VERSION, ...answer }));
  world.stdout.write(`${JSON.stringify(secrets.redactWithin(plain), undefined, 2)}\n`);
}

/** Writes the error of a verb. An error of another class than AgentError gets the code `internal`. */
export function writeJsonError(to: Answering, error: unknown): void {
  const message = explain(error);
  const { code, reason, kind } =
    error instanceof AgentError ? error : { code: 'internal', reason: undefined, kind: 'failed' };
  writeJson(to, 'error', { error: { code, reason, kind, message } });
}

/** Formats a problem for `--json`. */
export const problemOf = (
  problem: AgentError,
): { code: string; reason: string | undefined; message: string } => ({
  code: problem.code,
  reason: problem.reason,
  message: explain(problem),
});

/**
 * Returns the outputs of a run as an answer holds them. The outputs of a deployment belong to Heat and have no types.
 */
export const outputsAs = <Schema extends v.GenericSchema>(
  schema: Schema,
  { outputs }: Pick<Outcome, 'outputs'>,
): v.InferOutput<Schema> => v.parse(schema, outputs);
