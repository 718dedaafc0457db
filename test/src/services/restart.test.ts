import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { AgentError, errnoOf } from '../../../src/base/errors.ts';
import { fingerprint } from '../../../src/certificates/read.ts';
import { presentedCertificate } from '../../../src/services/presented.ts';
import {
  REFUSED_ELSEWHERE,
  restartAndProve,
  seeRenewed,
  type ServiceHands,
  type UnitRemark,
  whyLeftAlone,
} from '../../../src/services/restart.ts';
import type { UnitState } from '../../../src/services/systemctl.ts';
import type { UnitPlan } from '../../../src/services/unit.ts';
import { NEVER, type TestClock, testClock } from '../support/clock.ts';
import { createCa } from '../support/openssl.ts';
import { agentErrorOf, type Fault, faultIn } from '../support/outcome-of.ts';
import { leafOf, tlsServer } from '../support/tls-server.ts';
import { FAILED, NOT_FOUND, OLD, RUNNING, STARTING, STOPPED } from '../support/unit-states.ts';

const plan = (over: Partial<UnitPlan> = {}): UnitPlan => ({
  name: 'kubelet',
  required: true,
  deadlineMs: 2000,
  settleMs: 1000,
  ...over,
});

/** Makes hands with these unit states after a restart, in turn; the last one stays. */
function setUp(states: UnitState[], over: Partial<ServiceHands> & { before?: UnitState } = {}) {
  const calls: string[] = [];
  const clock: TestClock = testClock();
  const hands: ServiceHands = {
    clock,
    systemctl: {
      show: async () => {
        await Promise.resolve();
        if (!calls.some((call) => call.startsWith('restart'))) return over.before ?? OLD;
        return (states.length > 1 ? states.shift() : states[0]) ?? NOT_FOUND;
      },
      settings: async () => await Promise.reject(new Error('nobody asks for settings here')),
      resetFailed: async (unit) => {
        await Promise.resolve(calls.push(`reset ${unit}`));
      },
      restart: async (unit) => {
        await Promise.resolve(calls.push(`restart ${unit}`));
      },
      stop: async (unit) => {
        await Promise.resolve(calls.push(`stop ${unit}`));
      },
      isGoingDown: async () => await Promise.resolve(false),
    },
    presented: presentedCertificate,
    heldConnections: async () => await Promise.resolve(0),
    askHealth: async () => await Promise.resolve(),
    expected: async () => await Promise.resolve('none'),
    fingerprint,
    seeAccepted: async () => await Promise.resolve(undefined),
    readRenewal: async () => await Promise.resolve(undefined),
    notice: () => undefined,
    ...over,
  };
  return { hands, calls, clock };
}

const refuse = async (): Promise<void> =>
  await Promise.reject(new AgentError('unit', 'systemctl restart: no'));

/** Makes hands of a systemd that rejects the restart and reports this unit state. */
function refusing(state: UnitState): ServiceHands {
  const { hands } = setUp([state]);
  const show = async (): Promise<UnitState> => await Promise.resolve(state);
  return { ...hands, systemctl: { ...hands.systemctl, show, restart: refuse } };
}

const refusal = async (state: UnitState): Promise<Fault> =>
  await faultIn(restartAndProve(plan(), refusing(state), NEVER));

test('restarts a unit without a port and waits until it is active; resets the start limit first', async () => {
  const { hands, calls } = setUp([STARTING, STARTING, RUNNING]);
  expect(await restartAndProve(plan(), hands, NEVER)).toMatchObject({ plan: { name: 'kubelet' } });
  expect(calls).toEqual(['reset kubelet', 'restart kubelet']);
});

test('skips a missing unit, unless the layout requires it', async () => {
  expect(await restartAndProve(plan({ required: false }), refusing(NOT_FOUND), NEVER)).toBeUndefined();
  expect(await refusal(NOT_FOUND)).toEqual({ code: 'unit', reason: 'unit-missing' });
});

test.each([
  ['masked', 'unit-masked'],
  ['bad-setting', 'unit-file-faulty'],
  ['error', 'unit-file-faulty'],
])('reports a unit that is %s', async (load, reason) => {
  expect(await refusal({ ...RUNNING, load })).toEqual({ code: 'unit', reason });
});

test('reports a failed unit at once, and one that never becomes active after its deadline', async () => {
  const failing = setUp([STARTING, FAILED]);
  expect(await faultIn(restartAndProve(plan(), failing.hands, NEVER))).toEqual({
    code: 'unit',
    reason: 'start-failed',
  });
  const hanging = setUp([STARTING]);
  expect(await faultIn(restartAndProve(plan(), hanging.hands, NEVER))).toEqual({
    code: 'unit',
    reason: 'unit-not-active',
  });
  expect(hanging.clock.elapsed()).toBeGreaterThan(2000);
  expect(hanging.clock.elapsed()).toBeLessThan(3000);
});

test("reports systemd's unit state if systemd rejects the restart", async () => {
  const error = await agentErrorOf(restartAndProve(plan(), refusing(RUNNING), NEVER));
  expect(error).toMatchObject({ code: 'unit', reason: 'restart-refused' });
  // ActiveState, SubState and Result of systemctl(1).
  expect(error.message).toMatch(/\bactive\b.*\brunning\b.*\bsuccess\b/);
});

test('distinguishes a unit that hit its start limit from a failed one', async () => {
  const limited = setUp([{ ...FAILED, result: 'start-limit-hit' }]);
  expect(await faultIn(restartAndProve(plan(), limited.hands, NEVER))).toEqual({
    code: 'unit',
    reason: 'start-limit-hit',
  });
});

const STOPPING: UnitState = { ...OLD, active: 'deactivating', sub: 'stop-sigterm', hasJob: true };

test("starts the deadline with the start: stopping may take the unit's own time", async () => {
  const stopping = Array.from({ length: 300 }, () => STOPPING);
  // 60 s, like a kube-apiserver with an open watch; then 9 s until it is up.
  const before = { ...OLD, stopMs: 90_000 };
  const starting = Array.from({ length: 45 }, () => STARTING);
  const { hands, clock } = setUp([...stopping, ...starting, RUNNING], { before });
  expect(await restartAndProve(plan({ deadlineMs: 10_000 }), hands, NEVER)).toBeDefined();
  expect(clock.elapsed()).toBeGreaterThan(60_000);
});

test('reports a unit that never stops after its stop time-out', async () => {
  const { hands, clock } = setUp([STOPPING], { before: { ...OLD, stopMs: 10_000 } });
  expect(await faultIn(restartAndProve(plan(), hands, NEVER))).toEqual({
    code: 'unit',
    reason: 'unit-hangs',
  });
  expect(clock.elapsed()).toBeGreaterThan(30_000);
  expect(clock.elapsed()).toBeLessThan(33_000);
});

test('waits for a stopped unit that is queued for its start', async () => {
  const { hands } = setUp([STOPPING, { ...STOPPED, hasJob: true }, { ...FAILED, hasJob: true }, RUNNING]);
  expect(await restartAndProve(plan(), hands, NEVER)).toBeDefined();
});

test('does not accept a unit that still runs its former process', async () => {
  const { hands } = setUp([OLD]);
  expect(await faultIn(restartAndProve(plan(), hands, NEVER))).toEqual({
    code: 'unit',
    reason: 'unit-not-restarted',
  });
});

const AGAIN: UnitState = { ...RUNNING, active: 'activating', sub: 'auto-restart', result: 'exit-code' };

test.each([
  ['without a probe', {}],
  ['during its health check', { health: { url: 'http://127.0.0.1/healthz' } }],
])("detects a unit that exits at once by systemd's counter, %s, before its deadline", async (_, asked) => {
  const states = Array.from({ length: 400 }, (_, index) => ({ ...AGAIN, restarts: Math.floor(index / 50) }));
  const { hands, clock } = setUp(states, {
    askHealth: async () => await Promise.reject(new AgentError('not-yet', 'nobody answers')),
  });
  const fault = await faultIn(restartAndProve(plan({ deadlineMs: 120_000, ...asked }), hands, NEVER));
  expect(fault).toEqual({ code: 'unit', reason: 'unit-loops' });
  expect(clock.elapsed()).toBeLessThan(60_000);
});

test('waits for a unit that restarts itself because its API server was down', async () => {
  const back = { ...RUNNING, invocation: 'b20c', restarts: 1 };
  const { hands } = setUp([RUNNING, AGAIN, AGAIN, { ...AGAIN, restarts: 1 }, back]);
  expect(await restartAndProve(plan(), hands, NEVER)).toMatchObject({ restarts: 1 });
});

test('accepts a unit once the Kubernetes API confirms it', async () => {
  const kubeconfig = '/etc/kubernetes/admin.conf';
  let asked = 0;
  const { hands } = setUp([RUNNING], {
    seeAccepted: async () => {
      asked += 1;
      if (asked < 3) throw new AgentError('not-yet', 'it says 401');
      return await Promise.resolve(undefined);
    },
  });
  expect(await restartAndProve(plan({ kubeconfig }), hands, NEVER)).toBeDefined();
  const refused = setUp([RUNNING], {
    seeAccepted: async () => await Promise.reject(new AgentError('not-yet', 'it says 401')),
  });
  const fault = await faultIn(restartAndProve(plan({ kubeconfig }), refused.hands, NEVER));
  expect(fault).toEqual({ code: 'proof', reason: 'credential-refused' });
});

const REFUSED: Fault = { code: 'proof', reason: 'credential-refused' };
const KEEPS = { keepsIdentity: true } as const;

test('only reports an API that cannot confirm a unit', async () => {
  const told: UnitRemark[] = [];
  const { hands } = setUp([RUNNING], {
    seeAccepted: async () => await Promise.resolve('10.0.0.4:6443 does not answer'),
    notice: (what) => void told.push(what),
  });
  expect(await restartAndProve(plan({ kubeconfig: '/x' }), hands, NEVER)).toBeDefined();
  expect(told).toMatchObject([{ code: 'credential-unseen', of: 'kubelet' }]);
});

test.each<[string, Partial<UnitPlan>, string | undefined, Fault | undefined]>([
  ['accepts a former certificate that another API server rejects', KEEPS, REFUSED_ELSEWHERE, undefined],
  ['rejects a new certificate that another API server rejects', {}, REFUSED_ELSEWHERE, REFUSED],
  ["rejects a former certificate that the node's own API server rejects", KEEPS, undefined, REFUSED],
])('%s', async (_, keeps, reason, fault) => {
  const { hands } = setUp([RUNNING], {
    seeAccepted: async () => await Promise.reject(new AgentError('not-yet', 'it says 401', { reason })),
  });
  const restarted = restartAndProve(plan({ kubeconfig: '/x', ...keeps }), hands, NEVER);
  if (fault) expect(await faultIn(restarted)).toEqual(fault);
  else expect(await restarted).toBeDefined();
});

test.each<[string, (string | undefined)[], boolean]>([
  ['is renewed by the same leader', ['a at 1', 'a at 1', 'a at 2'], true],
  ['has another leader', ['a at 1', 'a at 1', 'b at 9'], true],
  ['could not be read at first', ['', '', 'a at 1', 'a at 2'], true],
  ['does not exist', [undefined], true],
  ['is not renewed', ['a at 1'], false],
])('judges a unit by a lease that %s', async (_, renewals, isRenewed) => {
  const lease = { namespace: 'kube-system', name: 'kube-scheduler' };
  const readRenewal: ServiceHands['readRenewal'] = async () => {
    const [now] = renewals.length > 1 ? renewals.splice(0, 1) : renewals;
    if (now === '') throw new AgentError('not-yet', 'it says 503');
    return await Promise.resolve(now);
  };
  const { hands } = setUp([RUNNING], { readRenewal });
  const snapshot = await restartAndProve(plan({ kubeconfig: '/x', lease }), hands, NEVER);
  if (!snapshot) throw new Error('it was not restarted');
  if (isRenewed) await seeRenewed(snapshot, hands, NEVER);
  else
    expect(await faultIn(seeRenewed(snapshot, hands, NEVER))).toEqual({
      code: 'proof',
      reason: 'lease-not-renewed',
    });
});

test('accepts a unit once its port presents the certificate in the file, however long it presents the old one', async () => {
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
  expect(proven).toMatchObject({ plan: { name: 'kubelet' } });
  expect(clock.sleeps).toHaveLength(3);

  server.use(old);
  const stubborn = setUp([RUNNING], { expected: hands.expected });
  const error = await agentErrorOf(restartAndProve(plan({ probe }), stubborn.hands, NEVER));
  expect(error).toMatchObject({
    code: 'proof',
    reason: 'certificate-not-served',
    cause: { reason: 'other-certificate' },
  });
});

test.each([
  [true, 7],
  [undefined, undefined],
] as const)('counts the connections that a restart ends, if asked to: %s', async (countsHeld, ended) => {
  const leaf = await leafOf(await createCa());
  const { port } = await tlsServer(leaf);
  const { hands, calls } = setUp([RUNNING], {
    expected: async () => await Promise.resolve(fingerprint(new X509Certificate(leaf.certificate))),
    heldConnections: async (asked) => {
      const isBefore = !calls.some((call) => call.startsWith('restart'));
      return await Promise.resolve(asked === port && isBefore ? 7 : 0);
    },
  });
  const probe = { host: '127.0.0.1', port, file: '/etc/x.crt' };
  expect(
    await restartAndProve(plan({ probe, ...(countsHeld && { countsHeld }) }), hands, NEVER),
  ).toMatchObject({
    ended,
  });
});

test('fails with the cause if a port never answers', async () => {
  const { hands } = setUp([RUNNING]);
  const error = await agentErrorOf(
    restartAndProve(plan({ probe: { host: '127.0.0.1', port: 1, file: '/x' } }), hands, NEVER),
  );
  expect(error).toMatchObject({ code: 'proof', reason: 'certificate-not-served' });
  expect(errnoOf(error)).toBe('ECONNREFUSED');
});

test('does not accept an active but unhealthy unit', async () => {
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
  expect(await faultIn(restartAndProve(plan({ health }), never.hands, NEVER))).toEqual({
    code: 'proof',
    reason: 'unhealthy',
  });
});

test('does not wait for an error that time cannot fix', async () => {
  const { hands, clock } = setUp([RUNNING], {
    expected: async () => await Promise.reject(new AgentError('disk', 'gone')),
  });
  const error = await agentErrorOf(
    restartAndProve(plan({ probe: { host: '127.0.0.1', port: 1, file: '/x' } }), hands, NEVER),
  );
  expect(error.code).toBe('disk');
  expect(clock.sleeps).toEqual([]);
});

test("records a unit's state once it is proven, without its earlier restarts", async () => {
  const health = { url: 'http://127.0.0.1/healthz' };
  const answers = [new AgentError('not-yet', 'says 500')];
  const { hands, clock } = setUp([RUNNING, RUNNING, { ...RUNNING, invocation: 'b20c', restarts: 2 }], {
    askHealth: async () => {
      const ill = answers.pop();
      await (ill ? Promise.reject(ill) : Promise.resolve());
    },
  });
  expect(await restartAndProve(plan({ health }), hands, NEVER)).toEqual({
    plan: plan({ health }),
    invocation: 'b20c',
    restarts: 2,
    before: 0,
    at: clock.elapsed(),
    renewal: undefined,
  });
});

test('skips an optional unit that was stopped by hand, and a missing one', () => {
  const optional = plan({ required: false });
  expect(whyLeftAlone(optional, STOPPED)?.code).toBe('unit-stopped');
  expect(whyLeftAlone(optional, NOT_FOUND)?.code).toBe('unit-missing');
  // A failed unit was not stopped by hand, nor was one that waits for its restart.
  for (const state of [RUNNING, STARTING, FAILED, { ...STOPPED, result: 'exit-code' }])
    expect(whyLeftAlone(optional, state)).toBeUndefined();
  for (const state of [RUNNING, STOPPED, NOT_FOUND]) expect(whyLeftAlone(plan(), state)).toBeUndefined();
});
