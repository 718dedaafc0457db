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

/** The outcome of a run that ended with an error. */
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

/** What a failure is for a program; undefined for a success, and for a script that has said no more than its code. */
export const errorIn = (outcome: Outcome | undefined): OutcomeError =>
  outcome?.is === 'failed' ? outcome.error : undefined;

/** What of an outcome may be kept and told: the outputs that the deployment declares, and no secret. */
export function presentable(outcome: Outcome, declared: readonly string[], secrets: Secrets): Outcome {
  const names = declared.filter((name) => Object.hasOwn(outcome.outputs, name));
  return {
    ...outcome,
    stdout: redacted(outcome.stdout, secrets),
    stderr: redacted(outcome.stderr, secrets),
    outputs: Object.fromEntries(names.map((name) => [name, outcome.outputs[name]])),
  };
}

/** Where a text is cut, the rest of a secret may stand that nobody recognizes: what could be that goes, too. */
function redacted(text: string, secrets: Secrets): string {
  const { cut, rest } = readCut(text);
  const clean = secrets.redact(rest);
  if (cut === 0) return clean;
  // Not in the middle of a surrogate pair.
  const from = /^[\uDC00-\uDFFF]/.test(clean.slice(LONGEST_REST)) ? LONGEST_REST + 1 : LONGEST_REST;
  return cutMark(cut + Buffer.byteLength(clean.slice(0, from))) + clean.slice(from);
}
