import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createUnitManager } from '../../../src/services/unit-manager.ts';
import { NEVER } from '../support/clock.ts';
import { tempRoot } from '../support/temp-root.ts';

/** A program without a unit of its own is found by its name, which nothing else on this machine has. */
const PROGRAM = `coe-collector-${process.pid}`;
const UNIT = 'a-container.service';

/** Makes a systemctl with one enabled and active unit, which records its commands. */
async function setUp() {
  const { write, at } = await tempRoot();
  const facts = 'LoadState=loaded\\nActiveState=active\\nUnitFileState=enabled\\nMainPID=1\\nControlGroup=/x';
  await write(
    '/systemctl',
    `#!/bin/sh\nif [ "$1" = show ]; then printf '${facts}\\n'; else echo "$@" >>'${at('/done')}'; fi\n`,
    0o755,
  );
  const units = createUnitManager(
    at('/systemctl'),
    process.env,
    async () => await Promise.resolve(undefined),
    new Map([[UNIT, PROGRAM]]),
  );
  const done = async (): Promise<string> => await readFile(at('/done'), 'utf8').catch(() => '');
  return { units, done, others: async () => (await units.status(UNIT, NEVER))?.others };
}

/** Starts a program like Python starts a script: with its name as second word. It executes its input line by line. */
async function startCollector() {
  const { write, at } = await tempRoot();
  await write(`/bin/${PROGRAM}`, 'while read -r line; do eval "$line"; echo done; done');
  const collector = spawn('/bin/bash', [at(`/bin/${PROGRAM}`)], {
    argv0: 'python3',
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void collector.kill('SIGKILL'));
  return {
    pid: collector.pid ?? 0,
    tell: (line: string) => void collector.stdin.write(`${line}\n`),
    answered: async () => void (await once(collector.stdout, 'data')),
  };
}

const stateOf = async (pid: number): Promise<string> =>
  /^State:\s+(\S)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';

test('sees the children of a program in a container, which starts nothing new while it is frozen', async () => {
  const { units, done, others } = await setUp();
  expect(await others()).toBeUndefined();
  const collector = await startCollector();
  await expect.poll(others).toBe(0);

  const answered = collector.answered();
  collector.tell('sleep 600 & started=$!');
  await answered;
  expect(await others()).toBe(1);

  await units.freeze(UNIT, NEVER);
  await expect.poll(async () => await stateOf(collector.pid)).toBe('T');
  const thawed = collector.answered();
  collector.tell('kill "$started"; wait "$started"');
  await units.thaw(UNIT, NEVER);
  await thawed;
  expect(await others()).toBe(0);
  expect(await done()).toBe('');
});

test('treats a process that ended while its parent is frozen as ended', async () => {
  const { units, others } = await setUp();
  const collector = await startCollector();
  const answered = collector.answered();
  collector.tell('sleep 0.3 &');
  await answered;
  await units.freeze(UNIT, NEVER);
  await expect.poll(others, { timeout: 5000 }).toBe(0);
  expect(await stateOf(collector.pid)).toBe('T');
});

test('leaves a unit alone whose program systemd knows', async () => {
  const { units, done } = await setUp();
  await units.freeze('os-collect-config.service', NEVER);
  await units.thaw('os-collect-config.service', NEVER);
  expect(await done()).toBe(
    'kill --kill-who=main --signal=SIGSTOP os-collect-config.service\n' +
      'kill --kill-who=main --signal=SIGCONT os-collect-config.service\n',
  );
});
