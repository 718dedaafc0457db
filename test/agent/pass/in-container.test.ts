import { expect, test } from 'vitest';
import { runInContainer } from '../../../agent/pass/in-container.ts';
import type { RunStep } from '../../../agent/plan/step.ts';
import { selectRun } from '../../../src/operation/run.ts';
import type { UnitSettings } from '../../../src/services/unit-settings.ts';
import { createHands } from '../../fakes/hands.ts';
import { NEVER } from '../../src/support/clock.ts';
import { deployment } from '../../src/support/deployments.ts';

const IMAGE = 'docker.io/openstackmagnum/heat-container-agent:wallaby-stable-1';
const START = `/bin/podman run --name heat-container-agent --privileged --volume /etc:/etc ${IMAGE} /usr/bin/start`;
const SCRIPT = deployment(
  { kube_tag_input: 'v1.23.3' },
  { group: 'script', config: '#!/bin/sh\n', outputs: [{ name: 'version' }] },
);

async function runOn(commandLines: string[], continues?: true): Promise<RunStep | undefined> {
  const unitSettings = async (): Promise<UnitSettings> =>
    await Promise.resolve({ text: '', commandLines, environment: '', environmentFiles: [] });
  const { hands } = await createHands({ over: { unitSettings } });
  const operation = selectRun(SCRIPT);
  if (operation?.kind !== 'run') throw new Error('a script is no run');
  return await runInContainer(
    operation,
    SCRIPT,
    { what: 'the script', ...(continues && { continues }) },
    hands,
    NEVER,
  );
}

test("runs a script in the unit's image, with its mounts and the deployment's inputs by name", async () => {
  const step = await runOn([START]);
  expect(step).toMatchObject({ do: 'run', configFiles: [], request: { id: SCRIPT.id } });
  const { run } = step?.do === 'run' ? step.request : {};
  const through = run && 'script' in run ? (run.through ?? []) : [];
  expect(through.slice(0, 3)).toEqual(['/usr/bin/podman', 'run', '--rm']);
  expect(through.slice(-2)).toEqual([IMAGE, '/bin/bash']);
  const variables = through.filter((_, index) => through[index - 1] === '--env');
  expect(variables).toEqual(expect.arrayContaining(['kube_tag_input', 'heat_outputs_path']));
  // The node's own PATH is meaningless in a container.
  expect(variables).not.toContain('PATH');
  // Other users can read arguments.
  expect(through.join(' ')).not.toContain('v1.23.3');
});

test('logs a run that is part of the work', async () => {
  expect(await runOn([START], true)).toMatchObject({ request: { continues: true } });
  expect(await runOn([START])).not.toHaveProperty('request.continues');
});

test('is undefined on a node without such a unit', async () => {
  expect(await runOn([])).toBeUndefined();
});
