import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '../../agent/cli.ts';
import type { Instrument } from '../../agent/compose.ts';
import { type Errno, failFileSystem } from './failing-fs.ts';
import { lastPointFile, type Job, type Report } from './plan.ts';
import { watch, type Watcher } from './points.ts';
import { type ForgetfulDisk, forgetfulDisk } from './power-cut.ts';
import { seededRandom } from './random.ts';
import { socketSystemctl } from './socket-systemctl.ts';

/**
 * Runs the real program in a process of its own: one verb on each given node, until it is killed at a step. After a
 * kill, every action is thus the first of a new process.
 */
process.on('message', (job: Job) => {
  void runOnce(job).then((report) => process.send?.(report));
});

// Each run listens for the signals that stop it.
process.setMaxListeners(0);

/** The error of the next file-system call. */
let failing: Errno | undefined;
let disk: ForgetfulDisk | undefined;
let fails: 'once' | 'for good' = 'once';
failFileSystem(
  () => {
    const errno = failing;
    if (fails === 'once') failing = undefined;
    return errno;
  },
  (directory) => disk?.synced(directory),
);

/** Work that is not a verb but the daemon's between two passes. */
const LOOKS: Readonly<Record<string, 'one step' | 'the end' | undefined>> = {
  'advance-once': 'one step',
  advance: 'the end',
};

async function runOnce({ verb, root, plan }: Job): Promise<Report> {
  const points: string[] = [];
  disk = undefined;
  let calls = 0;
  const die = (): never => {
    disk?.cut();
    writeFileSync(lastPointFile(process.pid, root), points.at(-1) ?? '');
    process.kill(process.pid, 'SIGKILL');
    throw new Error('still alive');
  };
  const patterns = [...(plan.killWhere ?? [])];
  const isLast = (point: string): boolean => {
    const [pattern] = patterns;
    if (pattern === undefined || !new RegExp(pattern).test(point)) return false;
    patterns.shift();
    return patterns.length === 0;
  };
  const isDue = (point: string): boolean => points.push(point) === plan.killAt || isLast(point);
  const watcher: Watcher = {
    reach: (point) => {
      if (isDue(point)) die();
      if (points.length === plan.stopAt) process.kill(process.pid, 'SIGTERM');
    },
    reachMiddle: isDue,
    die,
    fault: (path) => {
      calls += 1;
      const { at, errno, lastingBelow } = plan.fault ?? {};
      if (at === undefined) return;
      const isStruck =
        lastingBelow === undefined ? calls === at : calls >= at && path.startsWith(lastingBelow);
      failing = isStruck ? errno : undefined;
      fails = lastingBelow === undefined ? 'once' : 'for good';
    },
    faultEnds: () => {
      failing = undefined;
    },
  };
  const watched = watch(watcher);
  const instrument: Instrument = {
    ...watched,
    disk: (real) => {
      if (plan.powerCutSeed === undefined) return watched.disk(real);
      disk = forgetfulDisk(real, root, seededRandom(plan.powerCutSeed));
      return watched.disk(disk.disk);
    },
    systemctl: () => watched.systemctl(socketSystemctl(join(root, 'run/units.sock'))),
  };
  const looks = LOOKS[verb];
  if (looks) {
    // The others start faster without it.
    const { advanceNode } = await import('./advance-node.ts');
    const { code, said } = await advanceNode(root, looks, instrument);
    return { code, stdout: said, stderr: '', points };
  }
  const output = { stdout: '', stderr: '' };
  const code = await runCli(
    {
      argv: [verb, '--root', root],
      env: process.env,
      pid: process.pid,
      stdout: { write: (text) => (output.stdout += text) },
      stderr: { write: (text) => (output.stderr += text) },
    },
    instrument,
  );
  return { code, ...output, points };
}
