import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { lastPointFile, type Job, type Plan, Report } from './plan.ts';
import { errnoOf } from '../../src/base/errors.ts';
import { AGENT } from '../fakes/program.ts';

const CHILD = join(import.meta.dirname, 'child.ts');

/** The end of a run of the agent. */
export type Run = {
  code: number | null;
  killed: boolean;
  stdout: string;
  stderr: string;
  /** The steps that it reached, in order; of a killed run only the last one. */
  points: string[];
  ms: number;
};

/** Runs the agent in an observed process of its own; after a kill it is a new process. */
export type Runner = {
  run(root: string, plan?: Plan, verb?: string): Promise<Run>;
  close(): void;
};

const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  // Compiled once for the hundreds of processes of a sweep.
  NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
});

export function createRunner(): Runner {
  let child: ChildProcess | undefined;
  const start = (): ChildProcess => {
    const started = spawn(process.execPath, [CHILD], {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      env: environment(),
    });
    started.once('close', () => {
      if (child === started) child = undefined;
    });
    return started;
  };
  return {
    run: async (root, plan = {}, verb = 'run-once') => {
      child ??= start();
      const run = await runIn(child, { verb, root, plan });
      // The next process starts while the caller checks the files of this one.
      if (run.killed) child = start();
      return run;
    },
    close: () => {
      if (child?.connected) child.disconnect();
    },
  };
}

async function runIn(child: ChildProcess, job: Job): Promise<Run> {
  const start = performance.now();
  let crash = '';
  const hear = (chunk: Buffer): void => void (crash += chunk.toString());
  child.stderr?.on('data', hear);
  return await new Promise((resolve) => {
    const done = (run: Omit<Run, 'ms'>): void => {
      child.off('message', told).off('close', gone);
      child.stderr?.off('data', hear);
      resolve({ ...run, ms: performance.now() - start });
    };
    const told = (message: unknown): void => {
      const report = v.parse(Report, message);
      done({ ...report, stderr: report.stderr + crash, killed: false });
    };
    const gone = (code: number | null, signal: NodeJS.Signals | null): void => {
      const file = lastPointFile(child.pid, job.root);
      const points = existsSync(file) ? [readFileSync(file, 'utf8')] : [];
      rmSync(file, { force: true });
      done({ code, killed: signal === 'SIGKILL', stdout: '', stderr: crash, points });
    };
    child.on('message', told).on('close', gone);
    child.send(job);
  });
}

/**
 * Kills a program like systemd (KillMode=mixed): no process of it is left when the next one starts, such as a systemctl
 * whose request is still on its way.
 */
function killWithChildren(child: ChildProcess): void {
  child.kill('SIGSTOP');
  const { pid = 0 } = child;
  const file = `/proc/${pid}/task/${pid}/children`;
  const children = existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ') : [];
  child.kill('SIGKILL');
  for (const one of children.filter((text) => text !== ''))
    try {
      process.kill(Number(one), 'SIGKILL');
    } catch (error) {
      // It has ended meanwhile.
      if (errnoOf(error) !== 'ESRCH') throw error;
    }
}

/** Runs the installed program unobserved, and kills or stops it after a while. */
export async function runPlain(
  root: string,
  after?: { ms: number; signal: 'SIGKILL' | 'SIGTERM' },
): Promise<Run> {
  const start = performance.now();
  const child = spawn(process.execPath, [...AGENT, 'run-once', '--root', root], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const timer =
    after &&
    setTimeout(() => {
      if (after.signal === 'SIGKILL') killWithChildren(child);
      else child.kill(after.signal);
    }, after.ms);
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({
        code,
        killed: signal === 'SIGKILL',
        stdout,
        stderr,
        points: [],
        ms: performance.now() - start,
      });
    });
  });
}
