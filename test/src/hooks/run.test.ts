import { describe, expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { awaitRun, endOfRun, type RunHands, startRun } from '../../../src/hooks/run.ts';
import type { RunRequest } from '../../../src/hooks/request.ts';
import type { Runs, RunState } from '../../../src/hooks/runs.ts';
import { ORDER, RUNNING } from '../../agent/support/script-run.ts';
import { createHands } from '../../fakes/hands.ts';
import { NEVER } from '../support/clock.ts';
import { agentErrorOf, faultIn } from '../support/outcome-of.ts';

const REQUEST: RunRequest = {
  id: 'd1',
  what: 'the script',
  run: { script: '#!/bin/sh\n' },
  environment: [],
  timeoutMs: 1000,
  graceMs: 1000,
  secrets: [],
  outputs: [],
};
const ENDED: RunState = {
  is: 'ended',
  order: ORDER,
  result: { statusCode: 0, stdout: '', stderr: '' },
};
const LOST: Extract<RunState, { is: 'lost' }> = {
  is: 'lost',
  order: ORDER,
  reason: 'run-killed',
  why: 'it was killed',
};
const ORDERED: RunState = { is: 'ordered', order: ORDER };
const gone = async (): Promise<boolean> => await Promise.resolve(true);
const refused = async (): Promise<never> => await Promise.reject(new AgentError('unit', 'no'));
const hear = (): void => undefined;

/**
 * Sets up a run with these states in turn; the last one stays. @returns the hands, and the recorded actions in order
 */
async function runIn(states: RunState[], over: Partial<RunHands> = {}, isOurs = true) {
  const { hands, clock } = await createHands();
  const did: string[] = [];
  const note = async (what: string): Promise<void> => {
    did.push(what);
    await Promise.resolve();
  };
  const runs: Runs = {
    ...hands.runs.runs,
    look: async () =>
      await Promise.resolve((states.length > 1 ? states.shift() : states[0]) ?? { is: 'none' }),
    order: async () => (await note('order'), '/runs/d1'),
    withdraw: async () => (await note('withdraw'), isOurs),
  };
  const own: RunHands = {
    ...hands.runs,
    runs,
    unitFor: () => 'coe-run-d1.service',
    forgetUnit: async () => await note('forget'),
    start: async () => (await note('start'), gone),
    ...over,
  };
  return { hands: own, did, clock };
}

describe('a run is started', () => {
  test.each([
    ['if it is new, after its order', { is: 'none' }, ['forget', 'order', 'start']],
    [
      'if an earlier start ordered it, after another order',
      ORDERED,
      ['withdraw', 'forget', 'order', 'start'],
    ],
    ['not if it is running', RUNNING, []],
    ['not if it has ended', ENDED, []],
    ['not if it was lost, because its effects are unknown', LOST, []],
  ] as const)('%s', async (_, state, expected) => {
    const { hands, did } = await runIn([state]);
    expect((await startRun(REQUEST, hands)) !== undefined).toBe(expected.length > 0);
    expect(did).toEqual(expected);
  });

  test('not if its supervisor claims the order at that moment', async () => {
    const { hands, did } = await runIn([ORDERED], {}, false);
    expect(await startRun(REQUEST, hands)).toBeUndefined();
    expect(did).toEqual(['withdraw']);
  });

  test('reports a failed start, unless the run has begun nevertheless', async () => {
    expect(
      await agentErrorOf(startRun(REQUEST, (await runIn([{ is: 'none' }], { start: refused })).hands)),
    ).toMatchObject({
      code: 'unit',
    });
    expect(
      await startRun(REQUEST, (await runIn([{ is: 'none' }], { start: refused }, false)).hands),
    ).toBeUndefined();
  });
});

describe('waiting for a run', () => {
  const NOT_STARTED = { code: 'unit', reason: 'run-not-started' };

  test('returns its outcome', async () => {
    const { hands } = await runIn([ORDERED, RUNNING, RUNNING, ENDED]);
    const outcome = await awaitRun('d1', async () => await Promise.resolve(false), hands, NEVER, hear);
    expect(outcome).toMatchObject({ is: 'succeeded', statusCode: 0 });
  });

  test('fails if its record is gone', async () => {
    const { hands } = await runIn([{ is: 'none' }]);
    expect(await faultIn(awaitRun('d1', gone, hands, NEVER, hear))).toEqual(NOT_STARTED);
  });

  test('fails if its supervisor ended before it began the run', async () => {
    expect(await faultIn(awaitRun('d1', gone, (await runIn([ORDERED])).hands, NEVER, hear))).toEqual(
      NOT_STARTED,
    );
  });

  test('continues if the run begins while its supervisor is searched for', async () => {
    const { hands } = await runIn([ORDERED, RUNNING, ENDED], {}, false);
    expect(await awaitRun('d1', gone, hands, NEVER, hear)).toMatchObject({ is: 'succeeded' });
  });

  test('stops when the program stops, and leaves the run alone', async () => {
    const { hands } = await runIn([RUNNING]);
    expect(await agentErrorOf(awaitRun('d1', undefined, hands, AbortSignal.abort(), hear))).toMatchObject({
      code: 'aborted',
    });
  });
});

describe('a lost run', () => {
  test('fails with the reason of its loss', async () => {
    const { hands } = await runIn([LOST]);
    expect(await endOfRun('d1', LOST, hands)).toMatchObject({
      is: 'failed',
      statusCode: 1,
      error: { code: 'unit', reason: 'run-killed' },
    });
  });

  test('reports that systemd killed its unit for lack of memory', async () => {
    const order = { ...ORDER, unit: 'coe-run-d1.service' };
    const { hands } = await runIn([LOST], { endOfUnit: async () => await Promise.resolve('oom-kill') });
    expect(await endOfRun('d1', { ...LOST, order }, hands)).toMatchObject({
      error: { reason: 'out-of-memory' },
    });
    // Without a unit, systemd is not asked.
    expect(await endOfRun('d1', LOST, hands)).toMatchObject({ error: { reason: 'run-killed' } });
  });

  test('keeps its output, without the secrets of its order', async () => {
    const { hands } = await runIn([LOST]);
    const { stdout } = hands.runs.filesOf('d1');
    await hands.disk.makeDirectory('/var/lib/coe-agent/runs/d1', { mode: 0o700 });
    await hands.disk.create(stdout, 'half of it: hunter22\n', { mode: 0o600 });
    const outcome = await endOfRun('d1', { ...LOST, order: { ...ORDER, secrets: ['hunter22'] } }, hands);
    expect(outcome.stdout).toContain('half of it');
    expect(hands.secrets.redact(outcome.stdout)).not.toContain('hunter22');
  });
});
