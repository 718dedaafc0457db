import { expect, onTestFinished, test, vi } from 'vitest';
import { createSystemctl, stateOf, type Systemctl } from '../../../src/services/systemctl.ts';
import { NEVER } from '../support/clock.ts';
import { programOf } from '../support/program.ts';

/** Makes a systemctl from this shell script, and records its arguments. */
async function setUp(script: string): Promise<{ systemctl: Systemctl; args(): Promise<string> }> {
  const { program, args } = await programOf(script);
  return { systemctl: createSystemctl(program, process.env), args };
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
  ['infinity', Infinity],
  ['5s', 5000],
  ['1min 30s', 90_000],
  ['1h 1.500s', 3_601_500],
  ['', 0],
])('reads the time span %j', (text, ms) => {
  expect(stateOf(`TimeoutStopUSec=${text}`).stopMs).toBe(ms);
});
