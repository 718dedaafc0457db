import { chmod } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { AgentError } from '../../../src/base/errors.ts';
import { notifyByProgram } from '../../../src/services/notify-program.ts';
import { eventually } from '../../scenarios/support/eventually.ts';
import { tempRoot } from '../support/temp-root.ts';

async function program(script: string): Promise<{ path: string; read(path: string): Promise<string> }> {
  const { at, write, read } = await tempRoot();
  await write('/systemd-notify', `#!/bin/sh\ncd ${at('/')}\n${script}\n`);
  await chmod(at('/systemd-notify'), 0o755);
  await write('/told', '');
  return { path: at('/systemd-notify'), read };
}

test('sends each line of a message as an argument, and messages in order', async () => {
  const { path, read } = await program('printf "%s|" "$@" >>told; echo >>told');
  const failures: AgentError[] = [];
  const tell = notifyByProgram(path, (error) => failures.push(error));
  tell('STATUS=idle, nothing to do\nREADY=1');
  tell('WATCHDOG=1');
  tell('STOPPING=1');
  await eventually('the last message', async () => (await read('/told')).includes('STOPPING'));
  expect(await read('/told')).toBe('STATUS=idle, nothing to do|READY=1|\nWATCHDOG=1|\nSTOPPING=1|\n');
  expect(failures).toEqual([]);
});

test('reports an undelivered message, and continues with the next', async () => {
  const { path, read } = await program('case "$1" in READY=1) exit 1;; *) echo "$1" >>told;; esac');
  const failures: AgentError[] = [];
  const tell = notifyByProgram(path, (error) => failures.push(error));
  tell('READY=1');
  tell('WATCHDOG=1');
  await eventually('the second message', async () => (await read('/told')) !== '');
  expect(failures).toMatchObject([{ code: 'unit' }]);
});
