import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { readCut } from '../../../src/base/cut.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { runChild } from '../../../src/hooks/child.ts';
import { identify } from '../../../src/hooks/process.ts';
import type { Order, Result } from '../../../src/hooks/run-files.ts';
import { tempRoot } from '../support/temp-root.ts';

/** Runs a real program as the supervisor does. */
async function run(
  script: string,
  over: Partial<Order> & { stopping?: AbortSignal } = {},
): Promise<Result & { written: string; pid: number }> {
  const { at, write } = await tempRoot();
  await write('/program', script, 0o700);
  const { stopping = new AbortController().signal, ...rest } = over;
  let pid = 0;
  const result = await runChild(
    {
      program: at('/program'),
      work: at('/'),
      environment: [['PATH', '/usr/bin:/bin']],
      timeoutMs: 30_000,
      graceMs: 5000,
      reads: 'files',
      what: 'the script',
      secrets: [],
      outputs: [],
      ...rest,
    },
    {
      clock: systemClock,
      stopping,
      stdout: at('/stdout'),
      stderr: at('/stderr'),
      started: async (child) => await Promise.resolve(void (pid = child)),
    },
  );
  return { ...result, written: await readFile(at('/stdout'), 'utf8'), pid };
}

test('loses no output, however fast a program exits', async () => {
  const said = await Promise.all(Array.from({ length: 24 }, async () => await run('#!/bin/sh\necho said')));
  expect(new Set(said.map(({ stdout, written }) => stdout + written))).toEqual(new Set(['said\nsaid\n']));
});

test('truncates the live output file when it is full, and keeps the end in the result', async () => {
  const { stdout, written } = await run('#!/bin/sh\nhead -c 40000000 /dev/zero | tr "\\0" x; echo end');
  expect(written.length).toBeLessThan(17 * 2 ** 20);
  expect(written.endsWith('xend\n')).toBe(true);
  expect(readCut(stdout).rest).toMatch(/^x+end\n$/);
  expect(stdout.length).toBeLessThan(2 ** 20 + 100);
});

test('returns the exit code as status, or the negative number of a signal', async () => {
  expect(await run('#!/bin/sh\nexit 7')).toMatchObject({ statusCode: 7 });
  expect(await run('#!/bin/sh\nkill -KILL $$')).toMatchObject({ statusCode: -9 });
  expect(await run('#!/bin/sh\nkill -TERM $$')).toMatchObject({ statusCode: -15 });
});

test('passes exactly the given environment, whatever the names', async () => {
  const environment: Order['environment'] = [
    ['PATH', '/usr/bin:/bin'],
    ['a-b', 'two\nlines'],
    ['__proto__', 'x'],
  ];
  // The kernel runs: cat /proc/self/environ FILE.
  const { stdout } = await run('#!/bin/cat /proc/self/environ\n', { environment });
  expect(stdout.split('\0').slice(0, -1).toSorted()).toEqual(
    environment.map((pair) => pair.join('=')).toSorted(),
  );
});

test('gives a program an empty standard input and a session of its own', async () => {
  const { stdout, pid } = await run('#!/bin/sh\ncat; ps -o sid= -p $$');
  expect(Number(stdout)).toBe(pid);
});

test('keeps the end of long output, and reports how much is missing', async () => {
  const lines = 300_000;
  const { stdout } = await run(`#!/bin/sh\nseq 1 ${lines}`);
  const all = Array.from({ length: lines }, (_, index) => `${index + 1}\n`).join('');
  const cut = all.length - 2 ** 20;
  expect(readCut(stdout)).toEqual({ cut, rest: all.slice(cut) });
});

test('ends without waiting for background processes, which survive', async () => {
  const { stdout, statusCode } = await run('#!/bin/sh\nsleep 600 &\necho $!');
  expect(statusCode).toBe(0);
  const sleeper = Number(stdout);
  expect(await identify(sleeper)).toMatchObject({ pid: sleeper });
  process.kill(sleeper, 'SIGKILL');
});

test('kills the whole process group at the deadline', async () => {
  const result = await run('#!/bin/sh\nsleep 600 & sleep 600', { timeoutMs: 100 });
  expect(result).toMatchObject({ statusCode: -15, reason: 'run-timeout' });
  // A process group exists until its last process ends and is reaped.
  await expect.poll(async () => await livingInGroup(result.pid)).toEqual([]);
});

async function livingInGroup(group: number): Promise<string[]> {
  const { readdir } = await import('node:fs/promises');
  const living: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (pgrp === String(group) && state !== 'Z') living.push(pid);
  }
  return living;
}

test('reports an abort by the caller', async () => {
  const stop = new AbortController();
  const running = run('#!/bin/sh\nsleep 600', { stopping: stop.signal });
  setTimeout(() => {
    stop.abort();
  }, 200);
  expect(await running).toMatchObject({ statusCode: -15, reason: 'run-stopped' });
});

test('names inputs that are too large for an environment', async () => {
  const result = await run('#!/bin/sh\n', {
    environment: [
      ['small', 'x'],
      ['large', 'x'.repeat(200_000)],
    ],
  });
  expect(result).toMatchObject({ statusCode: 1, reason: 'environment-too-large' });
  // It names the largest input.
  expect(result.fault).toMatch(/\blarge\b.*\b200000\b/);
});
