import { describe, expect, test } from 'vitest';
import { healthFactsOf } from '../../../agent/commands/health-facts.ts';
import type { HealthFacts } from '../../../agent/inspection/health.ts';
import { RUNTIME, STATE } from '../../../agent/paths.ts';
import { writePassRecord } from '../../../agent/status-file.ts';
import { readUpkeep, writeUpkeep } from '../../../agent/upkeep/record.ts';
import { takeLock } from '../../../src/base/lock.ts';
import { failed } from '../../../src/deployment/outcome.ts';
import { stageFile } from '../../fakes/generation.ts';
import { createHands, type TestHands } from '../../fakes/hands.ts';
import { deployment } from '../../src/support/deployments.ts';
import { PARAMS } from '../../src/support/requests.ts';
import { newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const HOUR_MS = 3_600_000;
const WORK = deployment({}, { id: 'work' });

const facts = async ({ hands, root }: TestHands): Promise<HealthFacts> =>
  await healthFactsOf({ root }, hands);

/** Returns the facts while a process holds the lock. */
async function factsWhile(verb: string, made: TestHands): Promise<HealthFacts> {
  const lock = await takeLock(made.at('/run/coe-agent/lock'), verb, process.pid);
  try {
    return await facts(made);
  } finally {
    await lock.release();
  }
}

test('returns no facts on a new node', async () => {
  const made = await createHands({ config: ['poll: { max_seconds: 60 }'] });
  expect(await facts(made)).toEqual({
    now: made.clock.now(),
    daemonRuns: false,
    completeAt: undefined,
    isAtWork: false,
    intervalMs: 60_000,
    unacknowledgedSince: undefined,
    firstEnd: undefined,
    isStuck: false,
    critical: [],
  });
});

test.each([
  ['run', true],
  ['run-once', false],
])('with a lock held by "agent %s", returns daemonRuns: %s', async (verb, daemonRuns) => {
  expect(await factsWhile(verb, await createHands())).toMatchObject({ daemonRuns, isAtWork: false });
});

describe('returns isAtWork', () => {
  test("during a started deployment, until Heat's stack time-out", async () => {
    const made = await createHands();
    const { ledger } = made.hands;
    await ledger.accept(WORK);
    expect((await factsWhile('run', made)).isAtWork).toBe(false);
    await ledger.start(WORK.id);
    expect((await factsWhile('run', made)).isAtWork).toBe(true);
    expect((await facts(made)).isAtWork).toBe(false);
    made.clock.advance(HOUR_MS);
    expect((await factsWhile('run', made)).isAtWork).toBe(false);
  });

  test('during a generation, and isStuck only in that state', async () => {
    const made = await createHands();
    const journal = await stageFile(made);
    expect(await factsWhile('run', made)).toMatchObject({ isAtWork: true, isStuck: false });
    await made.hands.generations.stick(journal, journal.run);
    expect(await facts(made)).toMatchObject({ isAtWork: false, isStuck: true });
    await made.write('/var/lib/coe-agent/generation/journal', 'damaged');
    expect(await facts(made)).toMatchObject({ isStuck: false });
  });
});

test('returns the oldest unacknowledged answer, without abandoned ones', async () => {
  const made = await createHands();
  const { ledger } = made.hands;
  const ended: number[] = [];
  for (const id of ['given-up', 'first', 'second']) {
    await ledger.accept(deployment({}, { id, resource: id }));
    await ledger.start(id);
    ended.push(made.clock.now());
    await ledger.finish(id, failed(new Error('no')));
    made.clock.advance(1000);
  }
  await ledger.miss('given-up');
  await ledger.miss('given-up');
  // Finished work no longer counts.
  expect(await factsWhile('run', made)).toMatchObject({
    unacknowledgedSince: ended[1],
    isAtWork: false,
  });
});

test('returns the first expiry of a certificate, the last complete pass and critical differences', async () => {
  const params = Object.entries({ ...PARAMS, NODEGROUP_ROLE: 'worker' });
  const made = await createHands({
    files: { '/etc/sysconfig/heat-params': params.map((pair) => `${pair.join('="')}"\n`).join('') },
    config: ['layout: kubernetes-certs'],
  });
  const DAY_MS = 24 * HOUR_MS;
  const ago = (days: number) => () => Date.now() - days * DAY_MS;
  await writeCertificates(nodeOf('worker'), made, newGeneration(ago(9)), [newGeneration(ago(3))]);
  const at = '2026-11-29T12:00:00.000Z';
  for (const directory of [RUNTIME, STATE]) await made.disk.makeDirectory(directory, {});
  await writePassRecord(made.hands, {
    at,
    completeAt: at,
    answeredAt: {},
    problems: [],
    open: [],
    unserved: [],
    answers: [],
  });
  const difference = { code: 'clock', of: '/f', text: 'the clock is off' };
  await writeUpkeep(made.hands, {
    ...(await readUpkeep(made.hands)),
    differences: [
      { ...difference, severity: 'critical' },
      { ...difference, severity: 'warning', text: 'it ends soon' },
    ],
  });
  const { firstEnd = 0, completeAt, critical } = await facts(made);
  // A test CA's term, less the nine days.
  expect(Math.round((firstEnd - Date.now()) / DAY_MS)).toBe(1825 - 9);
  expect([completeAt, critical]).toEqual([Date.parse(at), ['the clock is off']]);
});
