import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '../../agent/cli.ts';
import { lastPointFile, type Job, type Report } from './plan.ts';
import { watch, type Watcher } from './points.ts';
import { socketSystemctl } from './socket-systemctl.ts';

/**
 * The real program in a process of its own: `run-once` on each node that it is told of, until it is killed at
 * one of the steps. What comes after a kill is thus always the first that a new process does.
 */
process.on('message', (job: Job) => {
  void runOnce(job).then((report) => process.send?.(report));
});
process.on('disconnect', () => {
  process.exitCode = 0;
});

async function runOnce({ root, plan }: Job): Promise<Report> {
  const points: string[] = [];
  const die = (): never => {
    writeFileSync(lastPointFile(process.pid, root), points.at(-1) ?? '');
    process.kill(process.pid, 'SIGKILL');
    throw new Error('still alive');
  };
  const isDue = (point: string): boolean => points.push(point) === plan.killAt;
  const watcher: Watcher = {
    reach: (point) => {
      if (isDue(point)) die();
    },
    reachMiddle: isDue,
    die,
    fail: () => undefined,
  };
  const output = { stdout: '', stderr: '' };
  const instrument = watch(watcher);
  const code = await runCli(
    {
      argv: ['run-once', '--root', root],
      env: process.env,
      pid: process.pid,
      stdout: { write: (text) => (output.stdout += text) },
      stderr: { write: (text) => (output.stderr += text) },
    },
    {
      ...instrument,
      systemctl: (real) => instrument.systemctl?.(socketSystemctl(join(root, 'run/units.sock'))) ?? real,
    },
  );
  return { code, ...output, points };
}
