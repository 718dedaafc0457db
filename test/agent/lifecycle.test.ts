import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';

const PROGRAM = `
  import { watchSignals } from ${JSON.stringify(new URL('../../agent/lifecycle.ts', import.meta.url).href)};
  const { stopping, nextReload, reload } = watchSignals();
  setInterval(() => {}, 1000);
  stopping.addEventListener('abort', () => console.log('stopping'));
  const awaitReload = () => nextReload().addEventListener('abort', () => { console.log('reload'); awaitReload(); });
  if (process.argv[1] === 'daemon') awaitReload();
  console.log('ready');
  process.on('SIGUSR1', reload);
`;

/** Runs the program, and returns its next line of output or how it ended. */
async function start(as: 'verb' | 'daemon') {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM, as], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve(String(signal ?? code));
    });
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { done, value } = await lines.next();
    return done === true ? await ended : value;
  };
  expect(await next()).toBe('ready');
  return async (signal: NodeJS.Signals): Promise<string> => {
    child.kill(signal);
    return await next();
  };
}

test.each(['SIGTERM', 'SIGINT'] as const)('%s stops the program; the second one ends it', async (signal) => {
  const send = await start('verb');
  expect(await send(signal)).toBe('stopping');
  expect(await send(signal)).toBe(signal);
});

test('SIGHUP stops a verb, because its terminal was closed', async () => {
  const send = await start('verb');
  expect(await send('SIGHUP')).toBe('stopping');
});

test('SIGHUP makes the daemon reload, each time', async () => {
  const send = await start('daemon');
  expect(await send('SIGHUP')).toBe('reload');
  expect(await send('SIGHUP')).toBe('reload');
  expect(await send('SIGUSR1')).toBe('reload');
  expect(await send('SIGTERM')).toBe('stopping');
});
