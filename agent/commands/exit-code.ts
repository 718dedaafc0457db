import { AgentError } from '../../src/base/errors.ts';
import type { PassResult } from '../pass.ts';

export const EXIT = {
  done: 0,
  deploymentFailed: 1,
  usage: 2,
  cloudNotReady: 3,
  lockHeld: 4,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Returns the exit code for an error that ended a verb. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof AgentError)) return EXIT.deploymentFailed;
  if (error.code === 'lock-held') return EXIT.lockHeld;
  if (error.code === 'usage' || error.code === 'config' || error.code === 'bad-heat-params')
    return EXIT.usage;
  return error.kind === 'not-ready' || error.code === 'login-refused'
    ? EXIT.cloudNotReady
    : EXIT.deploymentFailed;
}

/** Returns the exit code of one pass. A failed deployment takes precedence over an unreachable cloud. */
export function exitCodeOfPass({
  settled,
  problems,
  open,
}: Pick<PassResult, 'settled' | 'problems' | 'open'>): ExitCode {
  if (settled.some(({ outcome }) => outcome.is === 'failed')) return EXIT.deploymentFailed;
  const [problem] = problems;
  if (problem) return exitCodeOf(problem);
  return open.length > 0 ? EXIT.cloudNotReady : EXIT.done;
}
