import { once } from 'node:events';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createNode } from '../fakes/node.ts';
import { settledStatus, stackStatus, startServices, stopService } from './real-cloud.ts';
import { deployment, SERVER, startStack } from './software-stack.ts';

/** heat-agents were observed to fail here: Heat is down while a script runs, and its result is never reported. */

const AWAY_MS = 120_000;

/** Reports that it runs, and ends when it may. */
const SCRIPT = `#!/bin/sh
touch "$place/running"
until [ -e "$place/may-end" ]; do sleep 0.1; done
printf done >"$heat_outputs_path.result"
`;

test("reports a script's result after Heat was stopped for two minutes during the script", async () => {
  const node = await createNode({ role: 'worker', heatParams: {} });
  onTestFinished(node.close);
  const stack = await startStack('gone', {
    heat_template_version: 'wallaby',
    resources: {
      server: SERVER,
      config: {
        type: 'OS::Heat::SoftwareConfig',
        properties: {
          group: 'script',
          inputs: [{ name: 'place', default: node.root }],
          outputs: [{ name: 'result' }],
          config: SCRIPT,
        },
      },
      script: deployment('config'),
    },
  });
  onTestFinished(stack.close);
  await node.configure({ collectors: ['heat'], ...stack.collectConfig });
  const daemon = node.start('run');
  onTestFinished(async () => {
    const ended = once(daemon, 'close');
    if (daemon.kill('SIGTERM')) await ended;
  });

  await seen(join(node.root, 'running'));
  await stopService('heat-api');
  onTestFinished(startServices);
  await writeFile(join(node.root, 'may-end'), '');
  await delay(AWAY_MS);
  await startServices();
  expect(await settledStatus(async () => await stackStatus(stack.name))).toBe('CREATE_COMPLETE');
});

async function seen(path: string): Promise<void> {
  const end = performance.now() + 120_000;
  while (
    !(await access(path).then(
      () => true,
      () => false,
    ))
  ) {
    if (performance.now() > end) throw new Error(`${path} has not appeared`);
    await delay(100);
  }
}
