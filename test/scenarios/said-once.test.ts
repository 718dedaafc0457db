import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runCli } from '../../agent/cli.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { socketSystemctl } from '../crash/socket-systemctl.ts';
import { cli } from './support/cli.ts';
import { createSite } from './support/site.ts';

/** The output of a failing rotation. */

const cloud = await cloudForFile();

test.each([
  ['once on a terminal, in the last line', true, 0],
  ['in the log if stderr is a file', false, 1],
])('reports the end of a deployment %s', async (_, isTTY, logged) => {
  const site = await createSite(cloud);
  site.node.units.breakUnit('kubelet', 'fails to start');
  await cloud.rotateCa(site.cluster);
  let [shown, log] = ['', ''];
  const code = await runCli(
    {
      argv: ['run-once', '--root', site.node.root],
      env: {},
      pid: process.pid,
      stdin: async () => await Promise.resolve(''),
      stdout: { isTTY: true, write: (text) => (shown += text) },
      stderr: { isTTY, write: (text) => (log += text) },
    },
    { clock: () => site.clock, systemctl: () => socketSystemctl(join(site.node.root, 'run/units.sock')) },
  );
  expect(code).toBe(1);
  expect(shown.split('the old files are restored, but')).toHaveLength(2);
  expect(log.split('the old files are restored, but')).toHaveLength(logged + 1);
});

test('reports an unavailable Magnum once in the progress, and once in each log line', async () => {
  const site = await createSite(cloud, { config: { cloud: { patience_seconds: 5 } } });
  await cloud.rotateCa(site.cluster);
  cloud.fault({ service: 'magnum', effect: { kind: 'answer', status: 503, body: 'maintenance' } });
  onTestFinished(cloud.clearFaults);
  const { code, stdout, stderr } = await cli(site, ['run-once']);
  expect(code).toBe(1);
  expect(stdout.split('503 maintenance')).toHaveLength(2);
  const logged = stderr.split('\n').filter((line) => line.includes('503 maintenance'));
  expect(logged.length).toBeGreaterThan(0);
  for (const line of logged) expect(line.split(/fetch/)).toHaveLength(2);
});
