import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { AgentError } from '../../../src/base/errors.ts';
import { createEventCommand } from '../../../src/services/event-command.ts';
import { eventually } from '../../scenarios/support/eventually.ts';

async function setUp(script: string) {
  const directory = await mkdtemp(join(tmpdir(), 'coe-notify-'));
  onTestFinished(async () => {
    await rm(directory, { recursive: true });
  });
  const program = join(directory, 'notify');
  await writeFile(program, `#!/bin/sh\ncd ${directory}\n${script}\n`, { mode: 0o700 });
  const failures: AgentError[] = [];
  const check = { refuses: false };
  const tell = createEventCommand(
    {
      program,
      check: async () => {
        if (check.refuses) await Promise.reject(new Error('not of root'));
      },
    },
    (error) => failures.push(error),
  );
  const told = async (): Promise<unknown[]> => {
    const text = await readFile(join(directory, 'told'), 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as unknown);
  };
  return { tell, told, failures, check };
}

test('passes each event as one JSON object on standard input, in order, with an empty environment', async () => {
  const { tell, told } = await setUp(
    'cat >> told; env | grep -v -e ^PATH= -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= >> told; true',
  );
  for (const event of ['first', 'second', 'third']) tell({ event, fields: { text: 'a "b"\n' } });
  await eventually('three events', async () => (await told()).length === 3);
  expect(await told()).toEqual(
    ['first', 'second', 'third'].map((event) => ({ event, fields: { text: 'a "b"\n' } })),
  );
});

test('drops waiting events when the program fails, and passes the next one', async () => {
  const { tell, told, failures } = await setUp(
    'read line; case $line in *bad*) exit 1; esac; echo "$line" >> told',
  );
  tell({ event: 'bad' });
  tell({ event: 'lost' });
  await eventually('the failure', () => failures.length === 1);
  expect(failures[0]?.code).toBe('unit');
  tell({ event: 'good' });
  await eventually('the next event', async () => (await told()).length === 1);
  expect(await told()).toEqual([{ event: 'good' }]);
});

test('queues at most 32 events', async () => {
  const { tell, told } = await setUp('cat >> told');
  for (let number = 0; number < 100; number += 1) tell({ number });
  tell({ number: 'beyond' });
  await eventually('those that fit', async () => (await told()).length === 33);
  expect((await told()).at(-1)).toEqual({ number: 32 });
});

test('does not run an untrusted program', async () => {
  const { tell, told, failures, check } = await setUp('cat >> told');
  check.refuses = true;
  tell({ event: 'any' });
  await eventually('the refusal', () => failures.length === 1);
  expect(await told()).toEqual([]);
});
