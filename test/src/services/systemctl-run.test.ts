import { expect, test } from 'vitest';
import { factsOf, serviceName, systemctlRunner } from '../../../src/services/systemctl-run.ts';
import { NEVER } from '../support/clock.ts';
import { agentErrorOf, faultIn } from '../support/outcome-of.ts';
import { programOf } from '../support/program.ts';

const RESTART = ['restart', 'etcd.service'];

/** Runs a systemctl that is this shell script. */
const run = async (script: string, { timeout = 60_000, abort = NEVER, mode = 0o755 } = {}) =>
  await systemctlRunner((await programOf(script, mode)).program, process.env)(RESTART, timeout, abort);

test('returns the output, and takes messages beside it for no failure', async () => {
  expect(await run('echo a=b; echo a warning >&2')).toBe('a=b');
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
  const error = await agentErrorOf(run(script));
  expect(error).toMatchObject({ code: 'unit', reason: 'systemctl-failed' });
  expect(error.message).toContain(words);
  expect(error.message).not.toContain('undefined');
});

test('reports a time-out', async () => {
  expect(await faultIn(run('exec sleep 60', { timeout: 50 }))).toEqual({
    code: 'unit',
    reason: 'systemctl-timeout',
  });
});

test('stops waiting on an abort', async () => {
  const controller = new AbortController();
  const waiting = agentErrorOf(run('exec sleep 60', { abort: controller.signal }));
  controller.abort();
  expect(await waiting).toMatchObject({ code: 'aborted' });
});

test('reports a node without systemctl, or with one that cannot be executed', async () => {
  const missing = systemctlRunner('/nowhere/systemctl', process.env)(RESTART, 60_000, NEVER);
  expect(await faultIn(missing)).toEqual({ code: 'unit', reason: 'systemctl-missing' });
  const error = await agentErrorOf(run('exit 0', { mode: 0o644 }));
  expect(error).toMatchObject({ code: 'unit', reason: 'systemctl-failed' });
  expect(error.message).toContain('EACCES');
});

test('is in its own process group, so that Ctrl-C does not interrupt a restart', async () => {
  // The fifth field of proc_pid_stat(5).
  const group = await run('cut -d" " -f5 /proc/$$/stat; echo $$');
  const [own, pid] = group.split('\n');
  expect(own).toBe(pid);
});

test.each([
  ['etcd', 'etcd.service'],
  ['docker.socket', 'docker.socket'],
])('the unit %s is %s', (unit, name) => {
  expect(serviceName(unit)).toBe(name);
});

test('reads properties, whose values may contain the equals sign', () => {
  expect([...factsOf('Result=success\nExecStart={ argv[]=a --b=c }\nJob=')]).toEqual([
    ['Result', 'success'],
    ['ExecStart', '{ argv[]=a --b=c }'],
    ['Job', ''],
  ]);
});
