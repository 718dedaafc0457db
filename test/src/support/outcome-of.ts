import { AgentError, type ErrorCode } from '../../../src/base/errors.ts';

/** Returns the result of `run` or the agent error that it throws; any other error passes through. */
export function valueOrAgentError<T>(run: () => T): T | AgentError {
  try {
    return run();
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
}

/** Returns the error of a promise, which must be an agent error. */
export async function agentErrorOf(promise: Promise<unknown>): Promise<AgentError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** Returns the error that `run` throws, which must be an agent error. */
export function thrownBy(run: () => unknown): AgentError {
  const result = valueOrAgentError(run);
  if (result instanceof AgentError) return result;
  throw new Error('nothing was thrown');
}

/** An error as programs see it. */
export type Fault = { code: ErrorCode; reason?: string | undefined };

/** Returns code and reason of the agent error that `run` throws. */
export function faultOf(run: () => unknown): Fault {
  const { code, reason } = thrownBy(run);
  return { code, reason };
}

/** Returns code and reason of the agent error of a promise. */
export async function faultIn(promise: Promise<unknown>): Promise<Fault> {
  const { code, reason } = await agentErrorOf(promise);
  return { code, reason };
}
