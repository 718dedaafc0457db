import { cutMark, readCut } from '../base/cut.ts';
import { AgentError, explain } from '../base/errors.ts';
import type { NodeState, Outcome, OutcomeError } from './deployment.ts';
import { LONGEST_REST, type Secrets } from '../base/secrets.ts';

export const succeeded = (stdout: string, outputs: Outcome['outputs'] = {}): Outcome => ({
  is: 'succeeded',
  statusCode: 0,
  stdout,
  stderr: '',
  outputs,
});

/** Returns the outcome of a run that ended with an error. */
export const failed = (error: unknown, node: NodeState = 'as-before'): Outcome => ({
  is: 'failed',
  statusCode: 1,
  stdout: '',
  stderr: `${explain(error)}\n`,
  outputs: {},
  ...(error instanceof AgentError && {
    error: { code: error.code, reason: error.reason, ...(node !== 'as-before' && { node }) },
  }),
});

/**
 * Returns the machine-readable failure; undefined for a success, and for a script that failed with only an exit code.
 */
export const errorIn = (outcome: Outcome | undefined): OutcomeError =>
  outcome?.is === 'failed' ? outcome.error : undefined;

/** Reduces an outcome to the outputs that the deployment declares, and redacts its texts. */
export function presentable(outcome: Outcome, declared: readonly string[], secrets: Secrets): Outcome {
  const names = declared.filter((name) => Object.hasOwn(outcome.outputs, name));
  return {
    ...outcome,
    stdout: redacted(outcome.stdout, secrets),
    stderr: redacted(outcome.stderr, secrets),
    outputs: Object.fromEntries(names.map((name) => [name, outcome.outputs[name]])),
  };
}

/**
 * Redacts a text. If its beginning was cut, an unrecognizable rest of a secret may follow, so that part is removed too.
 */
function redacted(text: string, secrets: Secrets): string {
  const { cut, rest } = readCut(text);
  const clean = secrets.redact(rest);
  if (cut === 0) return clean;
  // Does not split a surrogate pair.
  const from = /^[\uDC00-\uDFFF]/.test(clean.slice(LONGEST_REST)) ? LONGEST_REST + 1 : LONGEST_REST;
  return cutMark(cut + Buffer.byteLength(clean.slice(0, from))) + clean.slice(from);
}
