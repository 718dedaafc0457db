import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { fingerprint } from '../../../src/certificates/read.ts';
import { presentedCertificate } from '../../../src/services/presented.ts';
import { restartAndProve, type ServiceHands, whyLeftAlone } from '../../../src/services/restart.ts';
import type { UnitState } from '../../../src/services/systemctl.ts';
import type { UnitPlan } from '../../../src/services/unit.ts';
import { NEVER, type TestClock, testClock } from '../support/clock.ts';
import { createCa } from '../support/openssl.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { leafOf, tlsServer } from '../support/tls-server.ts';

const RUNNING: UnitState = {
  load: 'loaded',
  active: 'active',
  sub: 'running',
  result: 'success',
  invocation: 'e6f1',
  restarts: 0,
  mainPid: '4711',
  startedAt: '81000000',
};
const STARTING: UnitState = { ...RUNNING, active: 'activating', sub: 'start' };
const FAILED: UnitState = { ...RUNNING, active: 'failed', sub: 'failed', result: 'exit-code' };
const STOPPED: UnitState = { ...RUNNING, active: 'inactive', sub: 'dead', invocation: '' };
const NOT_FOUND: UnitState = { ...STOPPED, load: 'not-found' };

const plan = (over: Partial<UnitPlan> = {}): UnitPlan => ({
  name: 'kubelet',
  required: true,
  deadlineMs: 2000,
  settleMs: 1000,
  ...over,
});

/** Hands of which systemd says these states, one after the other, the last one for ever. */
function setUp(states: UnitState[], over: Partial<ServiceHands> = {}) {
  const calls: string[] = [];
  const clock: TestClock = testClock();
  const hands: ServiceHands = {
    clock,
    systemctl: {
      show: async () => await Promise.resolve((states.length > 1 ? states.shift() : states[0]) ?? NOT_FOUND),
      settings: async () => await Promise.reject(new Error('nobody asks for settings here')),
      resetFailed: async (unit) => {
        await Promise.resolve(calls.push(`reset ${unit}`));
      },
      restart: async (unit) => {
        await Promise.resolve(calls.push(`restart ${unit}`));
      },
      isGoingDown: async () => await Promise.resolve(false),
    },
    presented: presentedCertificate,
    askHealth: async () => await Promise.resolve(),
    expected: async () => await Promise.resolve('none'),
    fingerprint,
    ...over,
  };
  return { hands, calls, clock };
}

const refuse = async (): Promise<void> =>
  await Promise.reject(new AgentError('unit', 'systemctl restart: no'));

/** Hands of a systemd that restarts nothing, and says this of the unit when it is asked. */
function refusing(state: UnitState): ServiceHands {
  const { hands } = setUp([state]);
  return { ...hands, systemctl: { ...hands.systemctl, restart: refuse } };
}

const said = async (state: UnitState): Promise<string> =>
  (await agentErrorOf(restartAndProve(plan(), refusing(state), NEVER))).message;

test('a unit without a port is restarted and seen active; a start limit of before is forgotten first', async () => {
  const { hands, calls } = setUp([STARTING, STARTING, RUNNING]);
  expect(await restartAndProve(plan(), hands, NEVER)).toMatchObject({ plan: { unit: 'kubelet' } });
  expect(calls).toEqual(['reset kubelet', 'restart kubelet']);
});

test('a unit that the node does not have is skipped, unless the layout requires it', async () => {
  expect(await restartAndProve(plan({ required: false }), refusing(NOT_FOUND), NEVER)).toBeUndefined();
  expect(await said(NOT_FOUND)).toContain('has no unit kubelet');
});

test.each(['masked', 'bad-setting', 'error'])('of a unit that is %s it is said', async (load) => {
  const error = await agentErrorOf(restartAndProve(plan(), refusing({ ...RUNNING, load }), NEVER));
  expect(error.code).toBe('unit');
  expect(error.message).toContain(load);
});

test('a unit that fails is told of at once, one that never gets there after its deadline', async () => {
  const failing = setUp([STARTING, FAILED]);
  expect((await agentErrorOf(restartAndProve(plan(), failing.hands, NEVER))).message).toContain(
    'failed to start: failed (failed), result exit-code',
  );
  const hanging = setUp([STARTING]);
  expect((await agentErrorOf(restartAndProve(plan(), hanging.hands, NEVER))).message).toContain(
    'not active in time: activating (start)',
  );
  expect(hanging.clock.elapsed()).toBeGreaterThan(2000);
  expect(hanging.clock.elapsed()).toBeLessThan(3000);
});

test('when systemd refuses the restart, what it knows of the unit is said', async () => {
  expect(await said({ ...FAILED, result: 'start-limit-hit' })).toContain('start-limit-hit');
  expect(await said(STARTING)).toContain('it hangs');
  expect(await said(FAILED)).toContain('it failed to start');
});

test('a unit is proven when its port presents what the file holds, however long it keeps the old one', async () => {
  const ca = await createCa();
  const [old, fresh] = await Promise.all([leafOf(ca), leafOf(ca)]);
  const server = await tlsServer(old);
  const probe = { host: '127.0.0.1', port: server.port, file: '/etc/x.crt' };
  const { hands, clock } = setUp([RUNNING], {
    expected: async () => await Promise.resolve(fingerprint(new X509Certificate(fresh.certificate))),
  });
  const takesUp: typeof clock.sleep = async (ms, abort) => {
    await clock.sleep(ms, abort);
    if (clock.sleeps.length === 3) server.use(fresh);
  };
  const proven = await restartAndProve(
    plan({ probe }),
    { ...hands, clock: { ...clock, sleep: takesUp } },
    NEVER,
  );
  expect(proven).toMatchObject({ plan: { unit: 'kubelet' } });
  expect(clock.sleeps).toHaveLength(3);

  server.use(old);
  const error = await agentErrorOf(restartAndProve(plan({ probe }), hands, NEVER));
  expect(error.code).toBe('proof');
  expect(error.message).toContain('does not serve /etc/x.crt in time');
  expect(error.message).toContain('presents another certificate');
});

test('a port that never answers is a failed proof, with why', async () => {
  const { hands } = setUp([RUNNING]);
  const error = await agentErrorOf(
    restartAndProve(plan({ probe: { host: '127.0.0.1', port: 1, file: '/x' } }), hands, NEVER),
  );
  expect(error.code).toBe('proof');
  expect(error.message).toContain('ECONNREFUSED');
});

test('a unit that is active but not well is not proven', async () => {
  const health = { url: 'http://127.0.0.1/healthz' };
  let asked = 0;
  const ill = async (): Promise<void> => {
    asked += 1;
    if (asked < 4) throw new AgentError('not-yet', 'says 500');
    await Promise.resolve();
  };
  const recovering = setUp([RUNNING], { askHealth: ill });
  expect(await restartAndProve(plan({ health }), recovering.hands, NEVER)).toBeDefined();
  expect(asked).toBe(4);
  const never = setUp([RUNNING], {
    askHealth: async () => await Promise.reject(new AgentError('not-yet', 'says 500')),
  });
  expect((await agentErrorOf(restartAndProve(plan({ health }), never.hands, NEVER))).message).toContain(
    'not well in time: says 500',
  );
});

test('what is no matter of time is not waited for', async () => {
  const { hands, clock } = setUp([RUNNING], {
    expected: async () => await Promise.reject(new AgentError('disk', 'gone')),
  });
  const error = await agentErrorOf(
    restartAndProve(plan({ probe: { host: '127.0.0.1', port: 1, file: '/x' } }), hands, NEVER),
  );
  expect(error.code).toBe('disk');
  expect(clock.sleeps).toEqual([]);
});

test('how a unit stood is noted once it is proven: what it has taken to get there does not count', async () => {
  const health = { url: 'http://127.0.0.1/healthz' };
  const answers = [new AgentError('not-yet', 'says 500')];
  const { hands, clock } = setUp([RUNNING, { ...RUNNING, invocation: 'b20c', restarts: 2 }], {
    askHealth: async () => {
      const ill = answers.pop();
      await (ill ? Promise.reject(ill) : Promise.resolve());
    },
  });
  expect(await restartAndProve(plan({ health }), hands, NEVER)).toEqual({
    plan: plan({ health }),
    invocation: 'b20c',
    restarts: 2,
    at: clock.elapsed(),
  });
});

test('an optional unit that somebody has stopped is left alone, one that is missing too', () => {
  const optional = plan({ required: false });
  expect(whyLeftAlone(optional, STOPPED)).toContain('the unit kubelet is stopped');
  expect(whyLeftAlone(optional, NOT_FOUND)).toContain('this node has no unit kubelet');
  // What failed was not stopped by anybody, and what waits to be started again neither.
  for (const state of [RUNNING, STARTING, FAILED, { ...STOPPED, result: 'exit-code' }])
    expect(whyLeftAlone(optional, state)).toBeUndefined();
  for (const state of [RUNNING, STOPPED, NOT_FOUND]) expect(whyLeftAlone(plan(), state)).toBeUndefined();
});
