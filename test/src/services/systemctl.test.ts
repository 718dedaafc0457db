import { expect, onTestFinished, test, vi } from 'vitest';
import { journalOf } from '../../../src/services/journalctl.ts';
import { createSystemctl, stateOf, type Systemctl } from '../../../src/services/systemctl.ts';
import { systemctlRunner } from '../../../src/services/systemctl-run.ts';
import { NEVER } from '../support/clock.ts';
import { agentErrorOf, faultIn } from '../support/outcome-of.ts';
import { tempRoot } from '../support/temp-root.ts';

/** Makes a systemctl from this shell script, and records its arguments. */
async function setUp(
  script: string,
  mode = 0o755,
): Promise<{ systemctl: Systemctl; program: string; args(): Promise<string> }> {
  const { write, at, read } = await tempRoot();
  await write('/bin/systemctl', `#!/bin/sh\necho "$@" >> ${at('/args')}\n${script}\n`, mode);
  const program = at('/bin/systemctl');
  return { systemctl: createSystemctl(program), program, args: async () => await read('/args') };
}

test("reads a unit's properties as systemd prints them", async () => {
  const { systemctl, args } = await setUp(
    String.raw`printf 'Result=exit-code\nLoadState=loaded\nActiveState=failed\nSubState=a=b\nOther=x\nNRestarts=3\nInvocationID=e6f1\nMainPID=42\nExecMainStartTimestampMonotonic=817\nJob=4711\nTimeoutStopUSec=1min 30s\n'`,
  );
  expect(await systemctl.show('kubelet', NEVER)).toEqual({
    load: 'loaded',
    active: 'failed',
    sub: 'a=b',
    result: 'exit-code',
    invocation: 'e6f1',
    restarts: 3,
    mainPid: '42',
    startedAt: '817',
    hasJob: true,
    stopMs: 90_000,
  });
  expect(await args()).toBe(
    'show --property=LoadState,ActiveState,SubState,Result,InvocationID,NRestarts,MainPID,ExecMainStartTimestampMonotonic,Job,TimeoutStopUSec kubelet.service\n',
  );
});

test('asks about several units with one command', async () => {
  const { systemctl, args } = await setUp(
    String.raw`printf 'LoadState=loaded\nActiveState=active\n\nLoadState=not-found\n'`,
  );
  const [etcd, other] = await Promise.all([systemctl.show('etcd', NEVER), systemctl.show('x.socket', NEVER)]);
  expect(etcd).toMatchObject({ load: 'loaded', active: 'active' });
  expect(other).toMatchObject({ load: 'not-found', active: '' });
  expect(await args()).toMatch(/^show --property=\S+ etcd\.service x\.socket\n$/);
});

test('fails each caller of a failed command', async () => {
  const { systemctl } = await setUp('echo no >&2; exit 1');
  const both = await Promise.allSettled([systemctl.show('a', NEVER), systemctl.show('b', NEVER)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test("does not pass the own unit's notify socket to systemctl", async () => {
  vi.stubEnv('NOTIFY_SOCKET', '/run/notify');
  onTestFinished(() => void vi.unstubAllEnvs());
  const { systemctl } = await setUp('echo LoadState=${NOTIFY_SOCKET-nobody}');
  expect(await systemctl.show('etcd', NEVER)).toMatchObject({ load: 'nobody' });
});

test('reads a missing property as empty', async () => {
  const { systemctl } = await setUp('echo LoadState=not-found');
  expect(await systemctl.show('etcd', NEVER)).toEqual({
    load: 'not-found',
    active: '',
    sub: '',
    result: '',
    invocation: '',
    restarts: 0,
    mainPid: '',
    startedAt: '',
    hasJob: false,
    stopMs: 0,
  });
});

test('completes unit names, and keeps a given suffix', async () => {
  const { systemctl, args } = await setUp('exit 0');
  await systemctl.restart('etcd', NEVER);
  await systemctl.resetFailed('docker.socket', NEVER);
  await systemctl.stop('kube-apiserver', NEVER);
  expect(await args()).toBe(
    'restart --no-block etcd.service\nreset-failed docker.socket\nstop --no-block kube-apiserver.service\n',
  );
});

test.each([
  [
    'its first error line',
    "echo 'Job for etcd.service failed.' >&2; echo 'See more' >&2; exit 1",
    'Job for etcd.service failed.',
  ],
  ['an error on standard output', 'echo no bus; exit 1', 'no bus'],
  ['its exit code', 'exit 4', 'exit code 4'],
  ['the signal that killed it', 'kill -9 $$', 'SIGKILL'],
])('reports a failure with %s', async (_, script, words) => {
  const { systemctl } = await setUp(script);
  const error = await agentErrorOf(systemctl.restart('etcd', NEVER));
  expect(error).toMatchObject({ code: 'unit', reason: 'systemctl-failed' });
  expect(error.message).toContain(words);
  expect(error.message).not.toContain('undefined');
});

test('reports a time-out', async () => {
  const { program } = await setUp('exec sleep 60');
  const run = systemctlRunner(program);
  expect(await faultIn(run(['restart', 'etcd.service'], 50, NEVER))).toEqual({
    code: 'unit',
    reason: 'systemctl-timeout',
  });
});

test('stops waiting on an abort', async () => {
  const { systemctl } = await setUp('exec sleep 60');
  const controller = new AbortController();
  const waiting = agentErrorOf(systemctl.restart('etcd', controller.signal));
  controller.abort();
  expect(await waiting).toMatchObject({ code: 'aborted' });
});

test('reports a node without systemctl, or with one that cannot be executed', async () => {
  const missing = createSystemctl('/nowhere/systemctl');
  expect(await faultIn(missing.show('etcd', NEVER))).toEqual({ code: 'unit', reason: 'systemctl-missing' });
  const { systemctl } = await setUp('exit 0', 0o644);
  const error = await agentErrorOf(systemctl.show('etcd', NEVER));
  expect(error).toMatchObject({ code: 'unit', reason: 'systemctl-failed' });
  expect(error.message).toContain('EACCES');
});

test('reads the last lines of a journal, and none without a journal', async () => {
  const { program, args } = await setUp(String.raw`printf 'one\ntwo\n'`);
  expect(await journalOf(program, 'etcd', 2)).toEqual(['one', 'two']);
  expect(await args()).toContain('--unit=etcd --lines=2');
  for (const script of ['exit 1', 'echo x; exit 1', 'exit 0'])
    expect(await journalOf((await setUp(script)).program, 'etcd', 2)).toEqual([]);
  expect(await journalOf('/nowhere/journalctl', 'etcd', 2)).toEqual([]);
});

test.each([
  ['infinity', Infinity],
  ['5s', 5000],
  ['1min 30s', 90_000],
  ['1h 1.500s', 3_601_500],
  ['', 0],
])('reads the time span %j', (text, ms) => {
  expect(stateOf(`TimeoutStopUSec=${text}`).stopMs).toBe(ms);
});
