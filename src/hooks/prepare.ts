import { AgentError } from '../base/errors.ts';
import { unlessTooDeep } from '../base/json.ts';
import { pythonJson } from '../base/python.ts';
import type { RunOperation } from '../operation/run.ts';
import { type Environment, environmentOf } from './environment.ts';
import { LONGEST_MS, type RunRequest } from './request.ts';

/** A node's settings for every run. */
export type RunSettings = { base: Environment; timeoutMs: number; graceMs: number };

/**
 * Creates the request for the run of a deployment.
 *
 * @param outputs the outputs that the deployment declares
 * @param secrets the deployment's secret values
 * @param hook the program that handles the group; undefined: run the deployment's own script
 * @throws `bad-deployment` if it cannot be run
 */
export function prepareRun(
  id: string,
  { deployment, timeoutMs }: RunOperation,
  { outputs, secrets }: { outputs: readonly string[]; secrets: readonly string[] },
  hook: string | undefined,
  settings: RunSettings,
): RunRequest {
  const shared = {
    id,
    outputs: [...outputs],
    secrets: [...secrets],
    timeoutMs: Math.min(timeoutMs ?? settings.timeoutMs, LONGEST_MS),
    graceMs: settings.graceMs,
  };
  if (hook !== undefined)
    return {
      ...shared,
      what: `the hook ${hook}`,
      run: { program: hook, stdin: walked(() => pythonJson(deployment)) },
      environment: settings.base,
    };
  return {
    ...shared,
    what: 'the script',
    run: { script: scriptOf(deployment['config']) },
    environment: walked(() => environmentOf(deployment['inputs'], settings.base)),
  };
}

function scriptOf(config: unknown): string {
  if (typeof config !== 'string' && config !== undefined && config !== null)
    throw new AgentError('bad-deployment', 'the config of the script is not text');
  if (!config?.startsWith('#!'))
    throw new AgentError(
      'bad-deployment',
      'the script does not begin with a line like "#!/bin/sh": its interpreter is unknown',
    );
  return config;
}

function walked<T>(walk: () => T): T {
  const result = unlessTooDeep(walk);
  if (result === undefined) throw new AgentError('bad-deployment', 'the deployment is nested too deep');
  return result;
}
