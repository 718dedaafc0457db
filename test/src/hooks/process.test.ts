import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { ageOf, identify, presenceOf, sendKill } from '../../../src/hooks/process.ts';

test('computes the age of a process from its start time', async () => {
  const self = await identify(process.pid);
  if (!self) throw new Error('this process is not there');
  expect(await ageOf(self, { pid: process.pid, ageMs: 70_000 })).toBe(70_000);
  const later = { ...self, startedAt: String(Number(self.startedAt) + 100) };
  expect(await ageOf(later, { pid: process.pid, ageMs: 70_000 })).toBe(69_000);
});

test('treats a stopped process as alive and kills it; killing an ended one does not fail', async () => {
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

test('takes the boot id of the process that compares: in a container, services may see different ones', async () => {
  const identity = await identify(process.pid, 'of another view');
  expect(identity).toMatchObject({ pid: process.pid, boot: 'of another view' });
  if (identity) expect(await presenceOf(identity)).toBe('rebooted');
});
