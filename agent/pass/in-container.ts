import { type Deployment, secretsOf } from '../../src/deployment/deployment.ts';
import { prepareRun } from '../../src/hooks/prepare.ts';
import type { RunOperation } from '../../src/operation/run.ts';
import { CONTAINER, commandLike } from '../../src/services/heat-container.ts';
import type { Hands } from '../hands.ts';
import type { RunStep } from '../plan/step.ts';

/**
 * Prepares to run a script in a container like heat-container-agent's, with its image, mounts and privileges. They are
 * read from the unit's command line, even if the unit is disabled.
 *
 * @returns undefined if the node has no such unit
 */
export async function runInContainer(
  operation: RunOperation,
  deployment: Deployment,
  { what, continues }: { what: string; continues?: true },
  { hooks, unitSettings, podman }: Hands,
  abort: AbortSignal,
): Promise<RunStep | undefined> {
  const { commandLines } = await unitSettings(CONTAINER, abort);
  const told = { outputs: deployment.outputs.map(({ name }) => name), secrets: secretsOf(deployment) };
  const request = prepareRun(deployment.id, operation, told, undefined, hooks.settings);
  const inputs = request.environment
    .map(([name]) => name)
    .filter((name) => !hooks.settings.base.some(([one]) => one === name));
  const through = commandLike(commandLines, podman, [...inputs, 'heat_outputs_path']);
  if (!through || !('script' in request.run)) return undefined;
  return {
    do: 'run',
    request: {
      ...request,
      what: `${what}, in a container like heat-container-agent's`,
      run: { ...request.run, through: [...through] },
      ...(continues && { continues }),
    },
    configFiles: [],
  };
}

/** Whether heat-container-agent runs now, or is enabled for the next boot. */
export async function runsContainer(
  { unitManager }: Pick<Hands, 'unitManager'>,
  abort: AbortSignal,
): Promise<boolean> {
  const status = await (await unitManager()).status(CONTAINER, abort);
  return status !== undefined && (status.active || (status.enabled && !status.masked));
}
