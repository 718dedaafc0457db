import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Hands } from '../../../agent/hands.ts';
import { askHealthAs, seeAnswers } from '../../../agent/inspection/answers.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import type { ClientIdentity } from '../../../src/services/health.ts';
import type { UnitPlan } from '../../../src/services/unit.ts';
import { createClusterCa } from '../../cluster/authority.ts';
import { NEVER, testClock } from '../../src/support/clock.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { tempRoot } from '../../src/support/temp-root.ts';
import { networkOf } from '../support/network.ts';

const FILE = '/etc/k/server.crt';
const ca = createClusterCa('k1');
const [leaf, another] = [ca.issue([['CN', 'a']]), ca.issue([['CN', 'b']])];

const UNIT: UnitPlan = { name: 'api', required: true, deadlineMs: 1000, settleMs: 0 };
const PORT: UnitPlan = { ...UNIT, probe: { host: '::1', port: 6443, file: FILE } };
const WELL: UnitPlan = { ...UNIT, health: { url: 'https://127.0.0.1:6443/healthz' } };
const LOGIN: UnitPlan = { ...UNIT, kubeconfig: '/etc/k/none.conf' };

/** A connection that the kernel refuses, as node:net reports it. */
const refused = (): AgentError =>
  new AgentError('not-yet', 'no answer', {
    cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
  });

async function see(unit: UnitPlan, over: Partial<Hands> = {}, abort = NEVER) {
  const { disk, write } = await tempRoot();
  await write(FILE, leaf.cert);
  const clock = testClock();
  const hands = {
    disk,
    clock,
    secrets: createSecrets(),
    ...networkOf({}),
    presented: async () => await Promise.resolve(new X509Certificate(leaf.cert)),
    askHealth: async () => await Promise.resolve(),
    ...over,
  };
  return { findings: await seeAnswers(unit, hands, abort), clock };
}

test('a unit with neither port, health address nor kubeconfig gives no finding', async () => {
  expect((await see(UNIT)).findings).toEqual([]);
});

test('a port that presents what its file holds is good', async () => {
  expect((await see(PORT)).findings).toMatchObject([
    { id: 'port', of: 'api', verdict: 'good', url: 'https://[::1]:6443' },
    { id: 'presented', of: 'api', verdict: 'good' },
  ]);
});

const presentsAnother = async () => await Promise.resolve(new X509Certificate(another.cert));

test('a port that presents another certificate is mended by a rotation', async () => {
  expect((await see(PORT, { presented: presentsAnother })).findings).toMatchObject([
    { id: 'port', verdict: 'good' },
    { id: 'presented', verdict: 'bad', reason: 'differs', isMended: true },
  ]);
});

test.each([
  ['no file', undefined],
  ['no certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
])('leaves a file with %s to its own finding', async (_, text) => {
  const { disk, write } = await tempRoot();
  if (text !== undefined) await write(FILE, text);
  expect((await see(PORT, { disk })).findings).toMatchObject([{ id: 'port', verdict: 'good' }]);
});

test('waits ten seconds for a unit that may have just started', async () => {
  let asked = 0;
  const presented = async () => {
    asked += 1;
    if (asked < 4) throw refused();
    return await Promise.resolve(new X509Certificate(leaf.cert));
  };
  expect((await see(PORT, { presented })).findings).toMatchObject([{ verdict: 'good' }, {}]);
  const { findings, clock } = await see(PORT, { presented: async () => await Promise.reject(refused()) });
  expect(findings).toMatchObject([{ id: 'port', verdict: 'bad', reason: 'silent' }]);
  expect(findings[0]?.isMended).toBeUndefined();
  expect(clock.elapsed()).toBeGreaterThanOrEqual(10_000);
  expect(clock.elapsed()).toBeLessThan(13_000);
});

test('a unit that is not well is mended by a rotation, and is not asked again', async () => {
  const unwell = new AgentError('not-yet', 'it says 500');
  const { findings, clock } = await see(WELL, { askHealth: async () => await Promise.reject(unwell) });
  expect(findings).toMatchObject([{ id: 'health', verdict: 'bad', reason: 'unwell', isMended: true }]);
  expect(clock.sleeps).toEqual([]);
});

test('a silent health address is not mended', async () => {
  const { findings } = await see(WELL, { askHealth: async () => await Promise.reject(refused()) });
  expect(findings).toMatchObject([{ id: 'health', verdict: 'bad', reason: 'silent' }]);
  expect(findings[0]?.isMended).toBeUndefined();
  expect((await see(WELL)).findings).toMatchObject([{ id: 'health', verdict: 'good' }]);
});

test('a credential that proves nothing is a warning', async () => {
  expect((await see(LOGIN)).findings).toMatchObject([
    { id: 'credential', of: 'api', login: '/etc/k/none.conf', verdict: 'warning', reason: 'unseen' },
  ]);
});

test('passes on that the work is stopped, and errors of the program', async () => {
  const aborted = AbortSignal.abort();
  const stopped = new AgentError('aborted', 'stopped');
  const error = await agentErrorOf(
    see(PORT, { presented: async () => await Promise.reject(stopped) }, aborted),
  );
  expect(error.code).toBe('aborted');
  await expect(
    see(WELL, { askHealth: async () => await Promise.reject(new TypeError('bug')) }),
  ).rejects.toThrow(TypeError);
});

test("asks for health with the files' present client certificate", async () => {
  const { disk, write } = await tempRoot();
  await write(FILE, leaf.cert);
  await write('/etc/k/server.key', leaf.key);
  const asked: unknown[] = [];
  const askHealth = async (url: string, client: ClientIdentity | undefined): Promise<void> => {
    await Promise.resolve();
    asked.push([url, client]);
  };
  const identity = { certificate: FILE, key: '/etc/k/server.key' };
  await askHealthAs({ url: 'https://x/', identity }, { disk, askHealth }, NEVER);
  await askHealthAs({ url: 'https://y/' }, { disk, askHealth }, NEVER);
  expect(asked).toEqual([
    ['https://x/', { certificate: leaf.cert, key: leaf.key }],
    ['https://y/', undefined],
  ]);
});
