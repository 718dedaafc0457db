import { readFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { sendKill } from '../../../src/hooks/process.ts';
import { createStart } from '../../../src/hooks/start.ts';
import { eventually } from '../../scenarios/support/eventually.ts';
import { tempRoot } from '../support/temp-root.ts';

test('treats a supervisor that has not begun within a minute as gone, although its process exists', async () => {
  const { at } = await tempRoot();
  let elapsed = 0;
  const start = createStart(
    ['/bin/sh', '-c', `echo $$ >${at('/pid')}; exec sleep 600`],
    {},
    async () => await Promise.reject(new Error('there is no systemd here')),
    { elapsed: () => elapsed },
  );
  const isGone = await start('/directory', undefined, 'the script');
  let pid = 0;
  await eventually('the process runs', async () => {
    pid = Number(await readFile(at('/pid'), 'utf8').catch(() => ''));
    return pid > 0;
  });
  onTestFinished(() => {
    sendKill(pid);
  });
  expect(await isGone()).toBe(false);
  elapsed = 60_001;
  expect(await isGone()).toBe(true);
});
