import { describe, expect, test } from 'vitest';
import type { Hands } from '../../../agent/hands.ts';
import { settle } from '../../../agent/pass/settle.ts';
import { AgentError } from '../../../src/base/errors.ts';
import type { Deployment, Outcome } from '../../../src/deployment/deployment.ts';
import type { RunState } from '../../../src/hooks/runs.ts';
import { createHands, type HandsSpec, type TestHands } from '../../fakes/hands.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { deployment } from '../../src/support/deployments.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { RUNNING } from '../support/script-run.ts';

/** Does nothing: its stack is deleted. */
const NOTHING = deployment({ deploy_action: 'DELETE' });
const RESTART = deployment({}, { group: 'coe-restart' });
const SCRIPT = deployment({}, { group: 'script', config: '#!/bin/sh\n' });
const { id } = NOTHING;

const settled = async ({ hands }: TestHands, asked: Deployment): Promise<Outcome | undefined> =>
  await settle(asked, [], hands, NEVER);

const DAMAGED: HandsSpec = { files: { [`/var/lib/coe-agent/deployments/${id}.json`]: 'junk' } };

/** Makes hands that find a script in these states in turn. */
function looking({ hands }: TestHands, states: (RunState | AgentError)[]): Hands {
  const look = async (): Promise<RunState> => {
    const state = states.shift() ?? RUNNING;
    return await (state instanceof AgentError ? Promise.reject(state) : Promise.resolve(state));
  };
  return { ...hands, runs: { ...hands.runs, runs: { ...hands.runs.runs, look } } };
}

describe('settle', () => {
  test('leaves an unserved group, without a record', async () => {
    const test = await createHands();
    expect(await settled(test, deployment({}, { group: 'somebody-else' }))).toBeUndefined();
    expect(test.hands.ledger.entries()).toEqual([]);
  });

  test.each([
    ['coe-rotate', 'rotation'],
    ['coe-restart', undefined],
  ])('tells its beginning and end as those of a rotation, if it is one (%s)', async (group, asks) => {
    const test = await createHands();
    await settled(test, deployment({}, { group }));
    expect(test.progress.find(({ event }) => event === 'deployment')).toMatchObject({ asks });
    expect(logged(test.log, 'deployment-failed').map((entry) => entry['asks'])).toEqual([asks]);
  });

  test('records a deployment without work as done', async () => {
    const test = await createHands();
    expect(await settled(test, NOTHING)).toMatchObject({ statusCode: 0 });
    expect((await test.reopen()).find(id)).toMatchObject({ state: 'finished', begun: 1 });
  });

  test('turns an obstacle to the work into its outcome', async () => {
    const test = await createHands();
    expect(await settled(test, RESTART)).toMatchObject({ statusCode: 1, error: { code: 'bad-heat-params' } });
    expect((await test.reopen()).find(id)).toMatchObject({ state: 'finished', outcome: { statusCode: 1 } });
  });

  test('answers a malformed deployment with its fault, and does not run it', async () => {
    const test = await createHands();
    const fault = new AgentError('bad-deployment', 'its inputs are no list', { reason: 'malformed' });
    expect(await settled(test, { ...NOTHING, fault })).toMatchObject({
      statusCode: 1,
      error: { code: 'bad-deployment', reason: 'malformed' },
    });
  });

  test('does not run a deployment with a damaged record again', async () => {
    const test = await createHands(DAMAGED);
    expect(await settled(test, NOTHING)).toMatchObject({
      error: { code: 'state', reason: 'record-damaged' },
    });
    expect((await test.reopen()).damaged(id)).toBe(false);
  });

  test('gives up after five starts without an end', async () => {
    const test = await createHands();
    const { ledger } = test.hands;
    await ledger.accept(NOTHING);
    for (let times = 0; times < 4; times += 1) await ledger.start(id);
    const again = await createHands();
    await again.hands.ledger.accept(NOTHING);
    for (let times = 0; times < 5; times += 1) await again.hands.ledger.start(id);
    expect(await settled(test, NOTHING)).toMatchObject({ statusCode: 0 });
    expect(await settled(again, NOTHING)).toMatchObject({
      error: { code: 'state', reason: 'begun-too-often' },
    });
  });

  test('records no outcome for an aborted deployment, which stays started', async () => {
    const test = await createHands();
    // The intention looks first.
    const hands = looking(test, [{ is: 'none' }, new AgentError('aborted', 'stopped')]);
    expect(await agentErrorOf(settle(SCRIPT, [], hands, NEVER))).toMatchObject({ code: 'aborted' });
    expect((await test.reopen()).find(id)?.state).toBe('started');
  });

  test('fails a script that cannot be started, and does not start it again', async () => {
    const test = await createHands();
    expect(await settled(test, SCRIPT)).toMatchObject({ statusCode: 1, error: { code: 'cloud-refused' } });
    expect((await test.reopen()).find(id)).toMatchObject({ state: 'finished', begun: 1 });
  });

  test('does not treat a running script as ended if it cannot be looked at', async () => {
    const test = await createHands();
    const broken = new AgentError('disk', 'input/output error');
    const hands = looking(test, [RUNNING, broken, RUNNING]);
    expect(await agentErrorOf(settle(SCRIPT, [], hands, NEVER))).toBe(broken);
    expect((await test.reopen()).find(id)?.state).toBe('started');
  });
});
