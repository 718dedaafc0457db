import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createUnitManager } from '../../../src/services/unit-manager.ts';
import { NEVER } from '../support/clock.ts';
import { tempRoot } from '../support/temp-root.ts';

/** What has no unit of its own to be found by is found by its name; nothing else on this machine is called so. */
const PROGRAM = `coe-collector-${process.pid}`;
const UNIT = 'a-container.service';

/** A systemctl that knows one unit, which is enabled and active, and notes what it is asked to do. */
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
    async () => await Promise.resolve(undefined),
    new Map([[UNIT, PROGRAM]]),
  );
  const done = async (): Promise<string> => await readFile(at('/done'), 'utf8').catch(() => '');
  return { units, done, others: async () => (await units.status(UNIT, NEVER))?.others };
}

/** Run as Python runs a program: that comes second. It does what it reads, line by line. */
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

test('of a program in a container it is seen what it has started; frozen it begins nothing new', async () => {
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

test('what has ended while its parent is frozen, and could not be told, runs no more', async () => {
  const { units, others } = await setUp();
  const collector = await startCollector();
  const answered = collector.answered();
  collector.tell('sleep 0.3 &');
  await answered;
  await units.freeze(UNIT, NEVER);
  await expect.poll(others, { timeout: 5000 }).toBe(0);
  expect(await stateOf(collector.pid)).toBe('T');
});

test('a unit whose program systemd sees is left to it', async () => {
  const { units, done } = await setUp();
  await units.freeze('os-collect-config.service', NEVER);
  await units.thaw('os-collect-config.service', NEVER);
  expect(await done()).toBe(
    'kill --kill-who=main --signal=SIGSTOP os-collect-config.service\n' +
      'kill --kill-who=main --signal=SIGCONT os-collect-config.service\n',
  );
});
