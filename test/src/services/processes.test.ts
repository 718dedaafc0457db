import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, chmod } from 'node:fs/promises';
import { onTestFinished, expect, test } from 'vitest';
import { signalProcess, whoRuns } from '../../../src/services/processes.ts';
import { tempRoot } from '../support/temp-root.ts';

/** Starts a program and waits for its first output. */
const start = async (file: string, ...args: string[]): Promise<number> => {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child.pid ?? 0;
};

test('finds a program by name with its children, but not one that only mentions the name', async () => {
  const { root } = await tempRoot();
  const name = `os-collect-${process.pid}`;
  await copyFile('/bin/sh', `${root}/${name}`);
  await chmod(`${root}/${name}`, 0o755);
  const pid = await start(`${root}/${name}`, '-c', 'sleep 60 & sleep 60 & echo ready; wait');
  await start('/bin/sh', '-c', `echo ready; : ${name}; read -r line`);
  expect(await whoRuns(name)).toEqual([{ pid, children: 2 }]);
});

test('ignores an ended process when it sends a signal', async () => {
  const child = spawn('/bin/true');
  await once(child, 'exit');
  signalProcess(child.pid ?? 0, 'SIGCONT');
});
