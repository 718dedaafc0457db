import { AgentError, type ErrorCode } from '../../../src/base/errors.ts';

/** Runs something that may throw our own error, and nothing else: gives the value or that error. */
export function valueOrAgentError<T>(run: () => T): T | AgentError {
  try {
    return run();
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
}

/** The error that a promise ends with; it must be ours. */
export async function agentErrorOf(promise: Promise<unknown>): Promise<AgentError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** The error that something throws; it must be ours. */
export function thrownBy(run: () => unknown): AgentError {
  const result = valueOrAgentError(run);
  if (result instanceof AgentError) return result;
  throw new Error('nothing was thrown');
}

/** What an error is for a program. */
export type Fault = { code: ErrorCode; reason?: string | undefined };

/** Code and reason of the error that something throws; it must be ours. */
export function faultOf(run: () => unknown): Fault {
  const { code, reason } = thrownBy(run);
  return { code, reason };
}

/** The same of the error that a promise ends with. */
export async function faultIn(promise: Promise<unknown>): Promise<Fault> {
  const { code, reason } = await agentErrorOf(promise);
  return { code, reason };
}
