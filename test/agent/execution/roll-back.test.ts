import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { excludeWayBack, rollBack, undo } from '../../../agent/execution/roll-back.ts';
import { RunRecordSchema } from '../../../agent/plan/run-record.ts';
import { AgentError } from '../../../src/base/errors.ts';
import type { Journal } from '../../../src/files/journal.ts';
import { processOf } from '../../../src/services/unit-process.ts';
import { FILE, RUN_ID, stageFile, unitPlan } from '../../fakes/generation.ts';
import { createHands, type HandsSpec, type TestHands } from '../../fakes/hands.ts';
import { stepsIn } from '../../scenarios/support/notices.ts';
import { createCa } from '../../src/support/openssl.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { RUNNING } from '../../src/support/unit-states.ts';

const CAUSE = new AgentError('proof', 'the port presents another certificate', {
  reason: 'other-certificate',
});
const ABORTED = new AgentError('aborted', 'the program is to stop');
const KUBELET = unitPlan('kubelet');
const PROXY = unitPlan('kube-proxy');

const journalOf = async (): Promise<string[]> => await Promise.resolve(['its own words']);
const revert = async (): Promise<Journal> => await Promise.reject(new AgentError('disk', 'read-only'));

/** Makes a node after a run that replaced the file and restarted the kubelet, but not kube-proxy. */
async function createCommitted(spec: HandsSpec = {}): Promise<TestHands & { journal: Journal }> {
  const test = await createHands({ units: ['kubelet', 'kube-proxy'], ...spec });
  const { hands, units } = test;
  const found = [KUBELET, PROXY].map((plan) => ({ plan, process: processOf(RUNNING) }));
  const journal = await hands.generations.commit(await stageFile(test, { units: [KUBELET, PROXY], found }));
  await (await hands.systemctl()).restart('kubelet', new AbortController().signal);
  units.restarts.length = 0;
  return { ...test, journal };
}

describe('undo', () => {
  test('changes nothing without a generation', async () => {
    const { hands } = await createHands();
    expect(await undo(CAUSE, { runId: RUN_ID, hands })).toEqual({
      is: 'failed',
      error: CAUSE,
      node: 'as-before',
    });
  });

  test('removes staged files', async () => {
    const test = await createHands();
    await stageFile(test);
    expect(await undo(CAUSE, { runId: RUN_ID, hands: test.hands })).toMatchObject({ node: 'as-before' });
    expect(await test.files('/etc/k')).toEqual([FILE]);
    expect(await test.hands.generations.underWay()).toBe(false);
  });

  test('removes them also on abort, and throws the abort', async () => {
    const test = await createHands();
    await stageFile(test);
    expect(await agentErrorOf(undo(ABORTED, { runId: RUN_ID, hands: test.hands }))).toBe(ABORTED);
    expect(await test.hands.generations.underWay()).toBe(false);
  });

  test("leaves another run's generation", async () => {
    const test = await createHands();
    const journal = await stageFile(test);
    expect(await undo(CAUSE, { runId: 'another', hands: test.hands })).toMatchObject({ node: 'as-before' });
    expect(await test.hands.generations.current()).toEqual(journal);
  });

  test('leaves a stuck generation of the same run', async () => {
    const { hands, journal } = await createCommitted();
    const stuck = await hands.generations.stick(journal, journal.run);
    expect(await undo(CAUSE, { runId: RUN_ID, hands })).toMatchObject({ node: 'as-before' });
    expect(await hands.generations.current()).toEqual(stuck);
  });

  test('keeps replaced files when the node shuts down: the next start continues', async () => {
    const { hands, journal, read } = await createCommitted();
    expect(await agentErrorOf(undo(ABORTED, { runId: RUN_ID, hands }))).toBe(ABORTED);
    expect(await read(FILE)).toBe('new');
    expect(await hands.generations.current()).toEqual(journal);
  });

  test('restores replaced files', async () => {
    const { hands, read } = await createCommitted();
    expect(await undo(CAUSE, { runId: RUN_ID, hands })).toMatchObject({ node: 'taken-back' });
    expect(await read(FILE)).toBe('old');
  });
});

describe('rollBack', () => {
  test('restarts only units that may have read the new files, and records cause and node', async () => {
    const { hands, journal, units } = await createCommitted();
    const failed = await rollBack(CAUSE, journal, hands);
    expect(failed).toMatchObject({
      node: 'taken-back',
      error: { code: 'proof', reason: 'other-certificate', cause: CAUSE },
    });
    expect(units.restarts).toEqual(['kubelet']);
    expect(await hands.generations.current()).toMatchObject({
      state: 'ended',
      run: {
        outcome: { statusCode: 1, error: { code: 'proof', reason: 'other-certificate', node: 'taken-back' } },
      },
    });
  });

  test('turns a foreign error into a unit failure', async () => {
    const { hands, journal } = await createCommitted();
    expect(await rollBack(new TypeError('a bug'), journal, hands)).toMatchObject({ error: { code: 'unit' } });
  });

  test('leaves the node unproven if a unit does not start with the old files', async () => {
    const { hands, journal, units, read } = await createCommitted({ over: { journalOf } });
    units.broken.add('kubelet');
    const failed = await rollBack(CAUSE, journal, hands);
    expect(failed).toMatchObject({ node: 'unproven', error: { code: 'proof' } });
    expect(failed.error instanceof AgentError && failed.error.excerpt).toContain('its own words');
    expect(await read(FILE)).toBe('old');
    expect(await hands.generations.current()).toMatchObject({
      state: 'ended',
      run: { outcome: { error: { node: 'unproven' } } },
    });
  });

  test('stops a unit before the one that it needs restarts, and starts it even if that one fails', async () => {
    const site = await createHands({ units: ['kube-proxy', 'kubelet'] });
    const units = [{ ...PROXY, stopFirst: ['kubelet'] }, KUBELET];
    const journal = await site.hands.generations.commit(await stageFile(site, { units }));
    site.units.broken.add('kube-proxy');
    const heard: string[] = [];
    const failed = await rollBack(CAUSE, journal, site.hands, async (unit, when) => {
      await Promise.resolve(heard.push(`${unit}, ${when}, stopped: ${site.units.stops.join()}`));
    });
    expect(failed).toMatchObject({ node: 'unproven' });
    expect(stepsIn(site.progress)).toEqual([
      'put-back',
      'stop kubelet',
      'restart-old kube-proxy',
      'restart-old kubelet',
    ]);
    expect(heard).toEqual(['kube-proxy, at once, stopped: ', 'kubelet, at once, stopped: kubelet']);
    expect(site.units.states.get('kubelet')).toMatchObject({ active: 'active' });
  });

  test('continues at the next start if the node shuts down meanwhile', async () => {
    const { hands, journal, units } = await createCommitted();
    units.broken.add('kubelet');
    units.goesDown = true;
    expect(await agentErrorOf(rollBack(CAUSE, journal, hands))).toMatchObject({ code: 'aborted' });
    expect(await hands.generations.current()).toMatchObject({
      state: 'reverted',
      run: { outcome: { statusCode: 1, error: { code: 'proof', reason: 'other-certificate' } } },
    });
  });

  test('is stuck if the old files cannot be restored, and resets the count of resumptions', async () => {
    const { hands, journal, units } = await createCommitted();
    const resumed = { ...journal, run: { ...v.parse(RunRecordSchema, journal.run), resumed: 4 } };
    const failed = await rollBack(CAUSE, resumed, {
      ...hands,
      generations: { ...hands.generations, revert },
    });
    expect(failed).toMatchObject({ node: 'stuck', error: { code: 'proof', reason: 'other-certificate' } });
    expect(units.restarts).toEqual([]);
    expect(await hands.generations.current()).toMatchObject({
      state: 'stuck',
      run: { resumed: 0, outcome: { error: { node: 'stuck' } } },
    });
  });

  test('does not restore an expired CA', async () => {
    const test = await createHands();
    const path = '/etc/k/ca.crt';
    const [old, fresh] = [await createCa('k1', 1), await createCa('k1')];
    const staged = await stageFile(test, {}, { path, old: old.pem, content: fresh.pem });
    const journal = await test.hands.generations.commit(staged);
    test.clock.advance(2 * 86_400_000);
    expect(await rollBack(CAUSE, journal, test.hands)).toMatchObject({ node: 'stuck' });
    expect(await test.read(path)).toBe(fresh.pem);
  });

  test('restores a bundle with one CA that is still valid', async () => {
    const test = await createHands();
    const path = '/etc/k/ca.crt';
    const [expiring, valid, fresh] = [await createCa('k1', 1), await createCa('k1'), await createCa('k1')];
    const old = expiring.pem + valid.pem;
    const staged = await stageFile(test, {}, { path, old, content: fresh.pem });
    const journal = await test.hands.generations.commit(staged);
    test.clock.advance(2 * 86_400_000);
    expect(await rollBack(CAUSE, journal, test.hands)).toMatchObject({ node: 'taken-back' });
    expect(await test.read(path)).toBe(old);
  });
});

test('excludeWayBack records on disk that the units are proven', async () => {
  const { hands, journal } = await createCommitted();
  await excludeWayBack(journal, hands);
  expect(await hands.generations.current()).toMatchObject({ state: 'committed', run: { proven: true } });
});
