import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle, NODE_FLAGS } from '../../scripts/lib/bundle.ts';
import { rawDeployment } from '../src/support/deployments.ts';
import { type Machine, startMachine } from './machine.ts';

/** Scripts on a machine with a real systemd and the built agent as a service: each runs in a unit of its own. */

const HOME = '/opt/coe-agent';
const LOCAL = '/var/lib/os-collect-config/local-data';
const MEMORY = 256 * 2 ** 20;
const SETTINGS = `
collectors: [local]
poll: { min_seconds: 600, max_seconds: 600 }
scripts: { grace_seconds: 1, memory_max: 256M, tasks_max: 60 }
`;

let machine: Machine;
beforeAll(async () => {
  machine = await startMachine();
  const home = join(machine.root, HOME);
  await mkdir(home, { recursive: true });
  const program = basename((await bundle(home)).program);
  await copyFile(process.execPath, join(home, 'node'));
  await machine.write('/etc/coe-agent/agent.yaml', SETTINGS);
  await machine.run('mkdir', '-p', LOCAL);
  await machine.unit('coe-agent', {
    Service: [`ExecStart=${HOME}/node ${NODE_FLAGS.join(' ')} ${HOME}/${program} run`],
  });
  await machine.run('systemctl', 'start', 'coe-agent');
});
afterAll(async () => {
  await machine.close();
});

const Entry = v.object({
  state: v.string(),
  outcome: v.optional(v.object({ statusCode: v.number(), stdout: v.string(), stderr: v.string() })),
});

/** Writes a script deployment to the machine, as by hand: the agent wakes and runs it. */
async function send(id: string, script: string, over: Record<string, unknown> = {}): Promise<void> {
  const { inputs = {}, ...rest } = over as { inputs?: Record<string, unknown> };
  const raw = rawDeployment(inputs, { id, group: 'script', config: `#!/bin/sh\n${script}`, ...rest });
  await machine.write(`${LOCAL}/${id}.json`, JSON.stringify({ deployments: [raw] }), '0600');
}

async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const until = performance.now() + 20_000;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() > until) throw new Error(`not in time: ${what}`);
    await sleep(50);
  }
}

/** Waits for the answer and returns it. */
const endOf = async (id: string): Promise<NonNullable<v.InferOutput<typeof Entry>['outcome']>> =>
  await eventually(`the end of ${id}`, async () => {
    const path = join(machine.root, `/var/lib/coe-agent/deployments/${id}.json`);
    const [line = '{}'] = (await readFile(path, 'utf8').catch(() => '{"state":"none"}')).split('\n');
    const { state, outcome } = v.parse(Entry, JSON.parse(line));
    return state === 'signalled' ? outcome : undefined;
  });

const contentOf = async (path: string): Promise<string> =>
  await eventually(path, async () => {
    const text = await machine.run('sh', '-c', 'cat "$1" 2>/dev/null || true', 'sh', path);
    return text === '' ? undefined : text;
  });

const isRunning = async (pid: string): Promise<boolean> =>
  (await machine.run('sh', '-c', 'grep -c "^State:.[RSD]" /proc/$1/status || true', 'sh', pid)) === '1';

const unitOf = (id: string): string => `coe-agent-run-${id}.service`;

test('runs a script in a unit of its own, with limits, and shows no secret to other users', async () => {
  await send(
    'own-unit',
    `cat /proc/self/cgroup; tr '\\0' ' ' </proc/$PPID/cmdline; until [ -e /run/go ]; do sleep 0.05; done`,
    {
      inputs: { password: 'correct-horse-battery' },
    },
  );
  const shown = await eventually('the unit', async () => {
    const text = await machine.run('systemctl', 'show', unitOf('own-unit'));
    return text.includes('ActiveState=active\n') ? text : undefined;
  });
  expect(shown).toContain(`MemoryMax=${MEMORY}\n`);
  expect(shown).toContain('TasksMax=60\n');
  expect(shown).not.toContain('correct-horse-battery');
  await machine.run('touch', '/run/go');
  const { stdout, statusCode } = await endOf('own-unit');
  expect(statusCode).toBe(0);
  expect(stdout).toContain(`/${unitOf('own-unit')}\n`);
  expect(stdout).toContain(`supervise /var/lib/coe-agent/runs/own-unit`);
  expect(stdout).not.toContain('correct-horse-battery');
});

test('kills a script at its deadline with all its processes, also moved ones', async () => {
  await send(
    'late',
    `setsid sh -c 'trap "" TERM; echo $$ >/run/late; while :; do sleep 1; done' &\nsleep 600`,
    {
      options: { timeout: 2 },
    },
  );
  const runaway = await contentOf('/run/late');
  const { stderr, statusCode } = await endOf('late');
  expect(statusCode).toBe(-15);
  expect(stderr).toContain('[coe-agent: not done within 2 s: ended with SIGTERM]');
  await eventually('its end', async () => ((await isRunning(runaway)) ? undefined : true));
});

test('keeps background processes of a successful script running', async () => {
  await send('background', `(sleep 600 </dev/null >/dev/null 2>&1 & echo $!)`);
  const { stdout, statusCode } = await endOf('background');
  expect(statusCode).toBe(0);
  expect(await isRunning(stdout.trim())).toBe(true);
  await machine.run('sh', '-c', 'kill "$1"', 'sh', stdout.trim());
});

test("neither kills nor repeats a script on the agent's restart, and reports its result", async () => {
  await send(
    'through',
    `echo ran >>/run/through; until [ -e /run/through-go ]; do sleep 0.05; done; echo done`,
  );
  await contentOf('/run/through');
  const pid = async (): Promise<string> =>
    await machine.run('systemctl', 'show', '--value', '--property=MainPID', unitOf('through'));
  const before = await pid();
  await machine.run('systemctl', 'restart', 'coe-agent');
  await machine.run('systemctl', 'kill', '--signal=KILL', 'coe-agent');
  await machine.run('systemctl', 'start', 'coe-agent');
  expect(await pid()).toBe(before);
  await machine.run('touch', '/run/through-go');
  expect(await endOf('through')).toMatchObject({ statusCode: 0, stdout: 'done\n' });
  expect(await contentOf('/run/through')).toBe('ran');
});

test('ends the script when its unit is stopped, and reports that to Heat', async () => {
  await send('stopped', `echo $$ >/run/stopped; sleep 600`);
  const pid = await contentOf('/run/stopped');
  await machine.run('systemctl', 'stop', unitOf('stopped'));
  const { statusCode, stderr } = await endOf('stopped');
  expect(statusCode).toBe(-15);
  expect(stderr).toContain('stopped from outside');
  expect(await isRunning(pid)).toBe(false);
});

test('kills a script that exceeds its memory limit, if the kernel accounts memory', async (context) => {
  const counts =
    'ls -d /sys/fs/cgroup/system.slice/memory.max /sys/fs/cgroup/memory/system.slice 2>/dev/null || true';
  if ((await machine.run('sh', '-c', counts)) === '') context.skip('this machine counts no memory');
  // Within the memory that this machine can spare.
  await send('greedy', 'head -c 800M /dev/zero | tail');
  const { statusCode, stderr } = await endOf('greedy');
  expect(statusCode).not.toBe(0);
  expect(stderr).toContain('exceeded its memory limit');
});

test('leaves nothing behind', async () => {
  const list = ['list-units', '--all', '--plain', '--no-legend', 'coe-agent-run-*'];
  await eventually('no units', async () =>
    (await machine.run('systemctl', ...list)) === '' ? true : undefined,
  );
  expect(await machine.run('ls', '/var/lib/coe-agent/runs')).toBe('');
});
