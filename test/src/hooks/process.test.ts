import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { ageOf, identify, presenceOf, sendKill } from '../../../src/hooks/process.ts';

test('a process is as much older than another as it was started earlier', async () => {
  const self = await identify(process.pid);
  if (!self) throw new Error('this process is not there');
  expect(await ageOf(self, { pid: process.pid, ageMs: 70_000 })).toBe(70_000);
  const later = { ...self, startedAt: String(Number(self.startedAt) + 100) };
  expect(await ageOf(later, { pid: process.pid, ageMs: 70_000 })).toBe(69_000);
});

test('a process that is stopped is alive, and can be killed; one that is gone need not be', async () => {
  const child = spawn('sleep', ['600']);
  onTestFinished(() => void child.kill('SIGKILL'));
  const identity = await identify(child.pid ?? 0);
  if (!identity) throw new Error('the process is not there');
  child.kill('SIGSTOP');
  expect(await presenceOf(identity)).toBe('alive');
  const ended = once(child, 'exit');
  sendKill(identity.pid);
  await ended;
  expect(await presenceOf(identity)).toBe('gone');
  sendKill(identity.pid);
});
