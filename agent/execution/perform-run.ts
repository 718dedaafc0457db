import type { Outcome } from '../../src/deployment/deployment.ts';
import { writeConfigFiles } from '../../src/metadata/config-files.ts';
import { awaitRun, startRun } from '../../src/hooks/run.ts';
import type { Hands } from '../hands.ts';
import type { RunStep } from '../plan/step.ts';
import { showStep } from '../plan/describe.ts';

/**
 * Runs a script or a hook, or waits for one that is already running.
 *
 * @throws `aborted` when the program must stop; the script continues
 */
export async function carryOutRun(
  id: string,
  step: RunStep,
  hands: Hands,
  abort: AbortSignal,
): Promise<Outcome> {
  const { runs, clock, progress } = hands;
  const shown = showStep(step);
  const start = clock.elapsed();
  progress({ event: 'step', step: shown });
  const isGone = step.do === 'run' ? await begin(step, hands) : undefined;
  const outcome = await awaitRun(id, isGone, runs, abort, (stream, line) => {
    progress({ event: 'output', id, stream, text: line });
  });
  const ms = clock.elapsed() - start;
  if (outcome.is === 'succeeded') progress({ event: 'done', step: shown, ms });
  else progress({ event: 'failed', step: shown, why: `status code ${outcome.statusCode}`, isTold: false });
  return outcome;
}

async function begin(
  { request, configFiles }: Extract<RunStep, { do: 'run' }>,
  { disk, runs }: Hands,
): ReturnType<typeof startRun> {
  await writeConfigFiles(configFiles, disk, runs.at);
  return await startRun(request, runs);
}
