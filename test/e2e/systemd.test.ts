import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { AgentError } from '../../src/base/errors.ts';
import { journalOf } from '../../src/services/journalctl.ts';
import { remainingSettleMs, seeStable } from '../../src/services/stability.ts';
import {
  restartAndProve,
  type ServiceHands,
  type UnitSnapshot,
  whyLeftAlone,
} from '../../src/services/restart.ts';
import { createSystemctl, type Systemctl } from '../../src/services/systemctl.ts';
import { programOf } from '../../src/services/unit-command.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import { NEVER } from '../src/support/clock.ts';
import { agentErrorOf, faultIn } from '../src/support/outcome-of.ts';
import { type Machine, startMachine } from './machine.ts';

/** Misbehaving units under a real systemd, and the agent's reports about them. */

let machine: Machine;
let systemctl: Systemctl;
beforeAll(async () => {
  machine = await startMachine();
  systemctl = createSystemctl(machine.systemctl, process.env);
});
afterAll(async () => {
  await machine.close();
});

const FOREVER = 'ExecStart=/bin/sleep infinity';

const nobodyAsks = async (): Promise<never> => await Promise.reject(new Error('there is nothing to ask'));

const planOf = (name: string): UnitPlan => ({ name, required: true, deadlineMs: 30_000, settleMs: 2000 });

async function restart(
  unit: string,
  plan: Partial<UnitPlan> = {},
  hands: Partial<ServiceHands> = {},
): Promise<UnitSnapshot | undefined> {
  return await restartAndProve({ ...planOf(unit), ...plan }, handsWith(hands), NEVER);
}

const handsWith = (hands: Partial<ServiceHands> = {}): ServiceHands => ({
  systemctl,
  clock: systemClock,
  presented: nobodyAsks,
  heldConnections: nobodyAsks,
  askHealth: nobodyAsks,
  expected: nobodyAsks,
  fingerprint: () => '',
  seeAccepted: nobodyAsks,
  readRenewal: nobodyAsks,
  notice: () => undefined,
  ...hands,
});

/** Returns the reason why a restart fails. */
async function refusal(...args: Parameters<typeof restart>): Promise<string | undefined> {
  const { code, reason } = await agentErrorOf(restart(...args));
  expect(code).toBe('unit');
  return reason;
}

const property = async (unit: string, name: string): Promise<string> =>
  await machine.run('systemctl', 'show', '--value', `--property=${name}`, `${unit}.service`);

/** Waits until systemd has completed the job. */
const jobDone = async (unit: string): Promise<string> =>
  await machine.run(
    'sh',
    '-c',
    'while [ -n "$(systemctl show --value --property=Job "$1")" ]; do sleep 0.05; done',
    'sh',
    `${unit}.service`,
  );

/** Makes a systemctl that runs an event after a restart, before the unit is checked. */
const afterRestart = (happens: () => Promise<unknown>): Systemctl => ({
  ...systemctl,
  restart: async (unit, abort) => {
    await systemctl.restart(unit, abort);
    await jobDone(unit);
    await happens();
  },
});

/** Ends a service that waits for the file /run/NAME, and waits for its end. */
const letDie = async (name: string): Promise<string> =>
  await machine.run(
    'sh',
    '-c',
    'touch "/run/$1" && while systemctl is-active --quiet "$1"; do sleep 0.05; done',
    'sh',
    name,
  );

const mortal = (name: string): string =>
  `ExecStart=/bin/sh -c "until [ -e /run/${name} ]; do sleep 0.05; done; echo x509: bad certificate; exit 3"`;

test('gives a healthy unit a new process', async () => {
  await machine.unit('healthy', { Service: ['Type=exec', FOREVER] });
  await machine.run('systemctl', 'start', 'healthy');
  const before = await property('healthy', 'MainPID');
  expect(await restart('healthy')).toMatchObject({ plan: { name: 'healthy' } });
  const after = await property('healthy', 'MainPID');
  expect(Number(after)).toBeGreaterThan(0);
  expect(after).not.toBe(before);
  expect(await systemctl.show('healthy', NEVER)).toMatchObject({
    load: 'loaded',
    active: 'active',
    sub: 'running',
    result: 'success',
  });
});

test('starts a stopped unit that systemd has unloaded', async () => {
  await machine.unit('stopped', { Service: ['Type=exec', FOREVER] });
  expect(await systemctl.show('stopped', NEVER)).toMatchObject({ load: 'loaded', active: 'inactive' });
  expect(await restart('stopped')).toMatchObject({ plan: { name: 'stopped' } });
});

test('asks about several units at once, and answers in order', async () => {
  await machine.unit('asleep', { Service: ['Type=exec', FOREVER] });
  await machine.unit('awake', { Service: ['Type=exec', FOREVER] });
  await machine.run('systemctl', 'start', 'awake');
  const names = ['asleep', 'nobody-knows-it', 'awake'];
  const states = await Promise.all(names.map(async (name) => await systemctl.show(name, NEVER)));
  expect(states.map(({ load, active }) => [load, active])).toEqual([
    ['loaded', 'inactive'],
    ['not-found', 'inactive'],
    ['loaded', 'active'],
  ]);
});

test('treats an exited unit with RemainAfterExit as active', async () => {
  await machine.unit('oneshot', {
    Service: ['Type=oneshot', 'RemainAfterExit=yes', 'ExecStart=/bin/true'],
  });
  expect(await restart('oneshot')).toMatchObject({ plan: { name: 'oneshot' } });
});

test("reports a unit that fails to start with systemd's state", async () => {
  await machine.unit('fails', {
    Service: ['Type=notify', 'ExecStart=/bin/sh -c "echo cannot load server.key; exit 3"'],
  });
  expect(await refusal('fails')).toBe('start-failed');
  expect(await systemctl.show('fails', NEVER)).toMatchObject({ active: 'failed', result: 'exit-code' });
  expect(await journalOf(machine.journalctl, 'fails', 15)).toEqual(
    expect.arrayContaining(['cannot load server.key', "fails.service: Failed with result 'exit-code'."]),
  );
});

test('reports a missing program from the journal', async () => {
  await machine.unit('gone', { Service: ['Type=exec', 'ExecStart=/usr/bin/no-such-program'] });
  expect(await refusal('gone')).toBe('start-failed');
  expect((await journalOf(machine.journalctl, 'gone', 15)).join('\n')).toContain(
    '/usr/bin/no-such-program: No such file or directory',
  );
});

test('resets the start limit that others have reached before the restart', async () => {
  await machine.unit('limited', {
    Unit: ['StartLimitBurst=2', 'StartLimitIntervalSec=1h'],
    Service: ['Type=exec', FOREVER],
  });
  for (let time = 0; time < 2; time++) await machine.run('systemctl', 'restart', 'limited');
  await expect(machine.run('systemctl', 'restart', 'limited')).rejects.toThrow('attempted too often');
  expect(await systemctl.show('limited', NEVER)).toMatchObject({
    active: 'failed',
    result: 'start-limit-hit',
  });
  // More often than the limit allows.
  for (let time = 0; time < 4; time++)
    expect(await restart('limited')).toMatchObject({ plan: { name: 'limited' } });
});

test('reports a start limit that is reached by the restart itself', async () => {
  await machine.unit('at-limit', {
    Unit: ['StartLimitBurst=1', 'StartLimitIntervalSec=1h'],
    Service: ['Type=exec', FOREVER],
  });
  await machine.run('systemctl', 'start', 'at-limit');
  // As if another start had happened between the two.
  const unforgetting: Systemctl = { ...systemctl, resetFailed: async () => await Promise.resolve() };
  expect(await refusal('at-limit', {}, { systemctl: unforgetting })).toBe('start-limit-hit');
});

test('rejects a masked unit', async () => {
  await machine.unit('veiled', { Service: ['Type=exec', FOREVER] });
  await machine.run('rm', '/etc/systemd/system/veiled.service');
  await machine.run('systemctl', 'mask', 'veiled');
  expect(await refusal('veiled')).toBe('unit-masked');
});

test('fails for a missing required unit, and skips a missing optional one', async () => {
  expect(await refusal('nowhere')).toBe('unit-missing');
  expect(await restart('nowhere', { required: false })).toBeUndefined();
});

test('leaves a unit that hangs at its start alone after the deadline, which can be restarted once repaired', async () => {
  await machine.unit('silent', { Service: ['Type=notify', 'TimeoutStartSec=infinity', FOREVER] });
  const began = performance.now();
  expect(await refusal('silent', { deadlineMs: 2000 })).toBe('unit-not-active');
  expect(performance.now() - began).toBeGreaterThan(1900);
  expect(await systemctl.show('silent', NEVER)).toMatchObject({ active: 'activating', sub: 'start' });
  expect(await journalOf(machine.journalctl, 'silent', 1)).toEqual(['Starting silent.service...']);

  await machine.unit('silent', { Service: ['Type=exec', FOREVER] });
  expect(await restart('silent')).toMatchObject({ plan: { name: 'silent' } });
});

test('leaves a unit that hangs at its stop alone after the deadline; systemd still restarts it after its end', async () => {
  await machine.unit('stubborn', {
    Service: [
      'Type=exec',
      'TimeoutStopSec=infinity',
      'ExecStart=/bin/sh -c "trap true TERM; touch /run/stubborn; while :; do sleep 1; done"',
    ],
  });
  await machine.run('systemctl', 'start', 'stubborn');
  // A shell that has not reached its trap would end after all.
  await machine.run('sh', '-c', 'until [ -e /run/stubborn ]; do sleep 0.05; done');
  const before = await property('stubborn', 'MainPID');
  expect(await refusal('stubborn', { deadlineMs: 2000 })).toBe('unit-hangs');
  expect(await systemctl.show('stubborn', NEVER)).toMatchObject({
    active: 'deactivating',
    sub: 'stop-sigterm',
  });
  expect(await property('stubborn', 'MainPID')).toBe(before);

  // The requested restart is still pending.
  await machine.run('systemctl', 'kill', '--signal=KILL', 'stubborn');
  await machine.run('sh', '-c', 'until systemctl is-active --quiet stubborn; do sleep 0.05; done');
  expect(await property('stubborn', 'MainPID')).not.toBe(before);
  // Nothing may keep the machine from shutting down.
  await machine.run('systemctl', 'kill', '--signal=KILL', 'stubborn');
});

test.each([
  ['without-program', '[Service]\nType=simple\n', 'bad-setting', 'Service has no ExecStart='],
  ['without-bracket', '[Service\nExecStart=/bin/true\n', 'error', "Invalid section header '[Service'"],
])('reports a unit file that systemd cannot use (%s) before any attempt', async (unit, text, load, words) => {
  await machine.write(`/etc/systemd/system/${unit}.service`, text);
  await machine.run('systemctl', 'daemon-reload');
  expect(await refusal(unit)).toBe('unit-file-faulty');
  expect(await systemctl.show(unit, NEVER)).toMatchObject({ load });
  expect((await journalOf(machine.journalctl, unit, 15)).join('\n')).toContain(words);
});

test('does not accept a unit that has ended when it is checked', async () => {
  await machine.unit('dies', { Service: ['Type=exec', mortal('dies')] });
  const dying = afterRestart(async () => await letDie('dies'));
  expect(await refusal('dies', {}, { systemctl: dying })).toBe('start-failed');
  expect(await journalOf(machine.journalctl, 'dies', 15)).toContain('x509: bad certificate');
});

test('does not accept a unit that exited with success either', async () => {
  await machine.unit('leaves', { Service: ['Type=exec', 'ExecStart=/bin/sleep 0.1'] });
  const gone = afterRestart(async () => await letDie('leaves'));
  expect(await refusal('leaves', {}, { systemctl: gone })).toBe('unit-ended');
  expect(await systemctl.show('leaves', NEVER)).toMatchObject({ active: 'inactive', result: 'success' });
});

test('does not accept a unit that systemd restarts again and again', async () => {
  await machine.unit('loops', {
    Service: ['Type=exec', 'Restart=always', 'RestartSec=1h', mortal('loops')],
  });
  const looping = afterRestart(async () => await letDie('loops'));
  expect(await refusal('loops', { deadlineMs: 1000 }, { systemctl: looping })).toBe('unit-not-active');
  expect(await systemctl.show('loops', NEVER)).toMatchObject({ active: 'activating', sub: 'auto-restart' });
});

/** Waits like a rotation and checks a unit once more. */
async function lookAgain(snapshot: UnitSnapshot | undefined): Promise<void> {
  if (!snapshot) throw new Error('it was not restarted');
  await systemClock.sleep(remainingSettleMs([snapshot], systemClock.elapsed()), NEVER);
  await seeStable(snapshot, handsWith(), NEVER);
}

test('accepts a unit that stays the same during the wait', async () => {
  await machine.unit('lasts', { Service: ['Type=exec', 'Restart=always', FOREVER] });
  const snapshot = await restart('lasts');
  expect(snapshot?.invocation).toMatch(/^[0-9a-f]{32}$/);
  await lookAgain(snapshot);
  expect(await property('lasts', 'InvocationID')).toBe(snapshot?.invocation);
});

test('does not accept a unit that ends a second after its start', async () => {
  await machine.unit('late', { Service: ['Type=exec', 'ExecStart=/bin/sh -c "sleep 1; exit 3"'] });
  const late = await restart('late');
  expect(await faultIn(lookAgain(late))).toEqual({ code: 'unit', reason: 'unit-ended' });
});

test('does not accept a unit that is up at each check because systemd restarts it again and again', async () => {
  await machine.unit('crashes', {
    Service: [
      'Type=exec',
      'Restart=always',
      'RestartSec=10ms',
      'ExecStart=/bin/sh -c "until rm /run/crash 2>/dev/null; do sleep 0.05; done; exit 3"',
    ],
  });
  const snapshot = await restart('crashes');
  await machine.run(
    'sh',
    '-c',
    'touch /run/crash; until [ "$(systemctl show -P NRestarts crashes)" = 1 ] && systemctl is-active -q crashes; do sleep 0.05; done',
  );
  expect(await faultIn(lookAgain(snapshot))).toEqual({ code: 'unit', reason: 'unit-restarted' });
  // Restarts before the requested one do not count.
  const again = await restart('crashes');
  expect(again?.restarts).toBe(0);
  await lookAgain(again);
});

test('does not accept a unit that was restarted by others', async () => {
  await machine.unit('meddled', { Service: ['Type=exec', FOREVER] });
  const snapshot = await restart('meddled');
  await machine.run('systemctl', 'restart', 'meddled');
  expect(await faultIn(lookAgain(snapshot))).toEqual({ code: 'unit', reason: 'unit-exchanged' });
});

const whyLeft = async (unit: string, required: boolean): Promise<string | undefined> =>
  whyLeftAlone({ ...planOf(unit), required }, await systemctl.show(unit, NEVER))?.code;

test('distinguishes a stopped unit from a failed one', async () => {
  await machine.unit('resting', { Service: ['Type=exec', FOREVER] });
  await machine.run('systemctl', 'start', 'resting');
  await machine.run('systemctl', 'stop', 'resting');
  await machine.unit('broken', { Service: ['Type=exec', 'ExecStart=/bin/sh -c "exit 3"'] });
  // Whether the start itself is seen to fail depends on timing.
  const failed = 'systemctl start broken; until systemctl is-failed --quiet broken; do sleep 0.05; done';
  await machine.run('sh', '-c', failed);
  expect(await whyLeft('resting', false)).toBe('unit-stopped');
  expect(await whyLeft('resting', true)).toBeUndefined();
  expect(await whyLeft('broken', false)).toBeUndefined();
});

test('reports a unit that ends during its health check at once, not at the deadline', async () => {
  await machine.unit('collapses', { Service: ['Type=exec', mortal('collapses')] });
  const began = performance.now();
  const silence = new AgentError('not-yet', 'no answer');
  const error = await agentErrorOf(
    restart(
      'collapses',
      { deadlineMs: 120_000, health: { url: 'http://127.0.0.1/healthz' } },
      {
        askHealth: async () => {
          await letDie('collapses');
          throw silence;
        },
      },
    ),
  );
  expect(error).toMatchObject({ code: 'unit', reason: 'unit-ended', cause: silence });
  expect(performance.now() - began).toBeLessThan(60_000);
});

test('cuts the journal to its last lines, and reads an empty one of an unknown unit', async () => {
  await machine.unit('talks', {
    Service: ['Type=oneshot', 'ExecStart=/bin/sh -c "for n in 1 2 3 4 5 6; do echo line $n; done"'],
  });
  await machine.run('systemctl', 'start', 'talks');
  const lines = await journalOf(machine.journalctl, 'talks', 4);
  expect(lines).toHaveLength(4);
  expect(lines).toContain('line 6');
  expect(lines).not.toContain('line 1');
  expect(lines.at(-1)).toBe('Finished talks.service.');
  expect(await journalOf(machine.journalctl, 'never-was', 4)).toEqual([]);
});

test("starts the deadline with the start, after a stop that takes the unit's own time", async () => {
  await machine.unit('slow-to-stop', {
    Service: [
      'Type=exec',
      'ExecStop=/bin/sleep 3',
      'ExecStart=/bin/sh -c "trap \'exit 0\' TERM; touch /run/slow-to-stop; while :; do sleep 0.1; done"',
    ],
  });
  await machine.run('systemctl', 'start', 'slow-to-stop');
  await machine.run('sh', '-c', 'until [ -e /run/slow-to-stop ]; do sleep 0.05; done');
  expect(await restart('slow-to-stop', { deadlineMs: 1000 })).toBeDefined();
});

test("detects a unit that exits at once under Restart=always by systemd's counter", async () => {
  await machine.unit('exits', {
    Unit: ['StartLimitIntervalSec=0'],
    Service: ['Type=simple', 'Restart=always', 'RestartSec=200ms', 'ExecStart=/bin/sh -c "exit 3"'],
  });
  const began = performance.now();
  const reason = await refusal(
    'exits',
    { deadlineMs: 120_000, health: { url: 'http://127.0.0.1/' } },
    {
      askHealth: async () => await Promise.reject(new AgentError('not-yet', 'no answer')),
    },
  );
  expect(reason).toBe('unit-loops');
  expect(performance.now() - began).toBeLessThan(60_000);
});

test('proves a unit again that uses the Kubernetes API, exits and restarts', async () => {
  await machine.unit('comes-back', {
    Service: [
      'Type=exec',
      'Restart=always',
      'RestartSec=1s',
      'ExecStart=/bin/sh -c "until rm /run/comes-back 2>/dev/null; do sleep 0.05; done; exit 3"',
    ],
  });
  const accepting = { seeAccepted: async () => await Promise.resolve(undefined) };
  const plan = { kubeconfig: '/etc/kubernetes/admin.conf' };
  const snapshot = await restart('comes-back', plan, accepting);
  if (!snapshot) throw new Error('it was not restarted');
  await letDie('comes-back');
  const later = await seeStable(snapshot, handsWith(accepting), NEVER);
  expect(later.restarts).toBe(snapshot.restarts + 1);
  expect(await seeStable(later, handsWith(accepting), NEVER)).toBe(later);
});

test.each([
  'kubelet $ARGS',
  'kubelet ${ARGS}',
  'kubelet --x=$ONE $$ONE --y=${NONE}',
  '/usr/bin/env A=1 kubelet $ARGS',
  "/bin/bash -c 'kubelet $ARGS'",
  "/bin/bash -c 'kubelet x${ONE}y$PLAIN'",
  "/bin/bash -c 'exec kubelet ${EMPTY:-${ONE}}z ${EMPTY-d}z ${ONE:+--one} \\$ONE'",
  '/bin/bash -c \'kubelet "$PLAIN" \\\n      $PLAIN\'',
])('reads the words of %j as the program receives them', async (line) => {
  const file = 'ONE=1\nEMPTY=\nPLAIN="--a=1  --b 2" \nARGS=\'--a=1 --b "x y"\'\n# X=1\nBACK="a\\nb"\n';
  await machine.write('/run/words.env', file);
  await machine.write('/usr/local/bin/kubelet', '#!/bin/sh\nprintf "%s\\n" "$@" >/run/words\n', '0755');
  const start = line.startsWith('kubelet') ? `/usr/local/bin/${line}` : line;
  await machine.unit('words', {
    Service: ['Type=oneshot', 'EnvironmentFile=/run/words.env', `ExecStart=${start}`],
  });
  await machine.run('systemctl', 'start', 'words');
  const found = programOf(await systemctl.settings('words', NEVER), [file], ['kubelet']);
  const words = (await machine.run('cat', '/run/words')).split('\n');
  expect(found?.command.args).toEqual(words);
});
