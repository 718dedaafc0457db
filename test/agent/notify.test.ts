import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { EVENTS } from '../../agent/events.ts';
import { createNotify, type Notify } from '../../agent/notify.ts';
import { NEVER, systemClock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import { createSecrets } from '../../src/base/secrets.ts';
import { eventually } from '../scenarios/support/eventually.ts';
import { logged } from '../scenarios/support/logged.ts';
import { listenForNotify } from '../scenarios/support/notify-socket.ts';
import { type TempRoot, tempRoot } from '../src/support/temp-root.ts';

afterEach(() => {
  vi.doUnmock('node:ffi');
  vi.unstubAllEnvs();
});

/** Starts the notifications of a daemon in this environment, with a log. */
async function notifyWith(env: { NOTIFY_SOCKET?: string }): Promise<{ notify: Notify; log: string[] }> {
  const log: string[] = [];
  const secrets = createSecrets();
  // The library and the program read it from the process's own environment.
  vi.stubEnv('NOTIFY_SOCKET', env.NOTIFY_SOCKET);
  const notify = await createNotify(
    { ...env, WATCHDOG_USEC: '90000000' },
    {
      clock: systemClock,
      log: createLog({
        events: EVENTS,
        level: 'info',
        style: 'json',
        secrets,
        write: (line) => log.push(line),
      }),
      redact: secrets.redact,
    },
  );
  return { notify, log };
}

/** Installs a systemd-notify(1) first in PATH that records its arguments. */
async function standIn({ at, write }: TempRoot, script = 'echo "$*" >>"$TOLD"'): Promise<void> {
  await write('/told', '');
  await write('/systemd-notify', `#!/bin/sh\n${script}\n`, 0o755);
  vi.stubEnv('TOLD', at('/told'));
  vi.stubEnv('PATH', `${at('/')}:${process.env['PATH'] ?? ''}`);
}

const FFI = {
  'no node:ffi': () => {
    throw new Error('No such built-in module: node:ffi');
  },
  'no libsystemd': () => ({
    dlopen: () => {
      throw new Error('libsystemd.so.0: cannot open shared object file');
    },
  }),
};

test('sends messages through libsystemd from its own process, without a child process', async () => {
  const root = await tempRoot();
  await standIn(root);
  const systemd = listenForNotify(root.at('/socket'));
  onTestFinished(systemd.close);
  const { notify, log } = await notifyWith({ NOTIFY_SOCKET: root.at('/socket') });
  notify.passed('idle', { ready: true, nextMs: 1000 });
  expect(systemd.messages()).toEqual([
    { STATUS: 'idle', READY: '1', WATCHDOG: '1', WATCHDOG_USEC: '91000000' },
  ]);
  expect([logged(log, 'libsystemd-missing'), await root.read('/told')]).toEqual([[], '']);
});

test.each(Object.entries(FFI))(
  'with %s, sends the start, the watchdog, work and the end through systemd-notify',
  async (_, ffi) => {
    const root = await tempRoot();
    await standIn(root);
    vi.doMock('node:ffi', ffi);
    const { notify, log } = await notifyWith({ NOTIFY_SOCKET: root.at('/socket') });
    notify.passed('idle', { ready: true, nextMs: 1000 });
    const work = new AbortController();
    onTestFinished(() => {
      work.abort();
    });
    notify.atWork(work.signal);
    notify.stopping();
    await eventually('the end', async () => (await root.read('/told')).includes('STOPPING=1'));
    expect((await root.read('/told')).split('\n').slice(0, 3)).toEqual([
      'STATUS=idle READY=1 WATCHDOG=1 WATCHDOG_USEC=91000000',
      'WATCHDOG=1 EXTEND_TIMEOUT_USEC=60000000',
      expect.stringMatching(/^STOPPING=1 STATUS=/),
    ]);
    expect(logged(log, 'libsystemd-missing')).toHaveLength(1);
    expect(logged(log, 'systemd-unreachable')).toEqual([]);
  },
);

test('logs a message that does not reach systemd, by library or program', async () => {
  const root = await tempRoot();
  const library = await notifyWith({ NOTIFY_SOCKET: root.at('/nobody-listens') });
  library.notify.ready();
  expect(logged(library.log, 'systemd-unreachable')).toMatchObject([{ errno: 2 }]);

  await standIn(root, 'exit 1');
  vi.doMock('node:ffi', FFI['no node:ffi']);
  const program = await notifyWith({ NOTIFY_SOCKET: root.at('/nobody-listens') });
  program.notify.ready();
  await eventually('the log', () => logged(program.log, 'systemd-unreachable').length === 1);
});

test('loads and sends nothing without NOTIFY_SOCKET', async () => {
  const root = await tempRoot();
  await standIn(root);
  vi.doMock('node:ffi', FFI['no node:ffi']);
  const { notify, log } = await notifyWith({});
  notify.ready();
  notify.atWork(NEVER);
  expect([log, await root.read('/told')]).toEqual([[], '']);
});
