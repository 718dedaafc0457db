import { explain } from '../base/errors.ts';
import type { Outcome } from './deployment.ts';
import type { Secrets } from '../base/secrets.ts';

/** The outcome of a run that ended with an error. */
export const failed = (error: unknown): Outcome => ({
  statusCode: 1,
  stdout: '',
  stderr: `${explain(error)}\n`,
  outputs: {},
});

/** What of an outcome may be kept and told: the outputs that the deployment declares, and no secret. */
export function presentable(outcome: Outcome, declared: readonly string[], secrets: Secrets): Outcome {
  const names = declared.filter((name) => Object.hasOwn(outcome.outputs, name));
  return {
    statusCode: outcome.statusCode,
    stdout: secrets.redact(outcome.stdout),
    stderr: secrets.redact(outcome.stderr),
    outputs: Object.fromEntries(names.map((name) => [name, outcome.outputs[name]])),
  };
}
