import { describe, expect, test } from 'vitest';
import { finish, finishRun } from '../../../agent/pass/finish.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { failed, succeeded } from '../../../src/deployment/outcome.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { DONE, FILE, RUN_ID, stageFile } from '../../fakes/generation.ts';
import { createHands } from '../../fakes/hands.ts';
import { deployment } from '../../src/support/deployments.ts';
import { faultIn } from '../../src/support/outcome-of.ts';

const WORK = deployment({}, { id: RUN_ID, outputs: [{ name: 'expected' }] });
/** What the journal keeps about the run. */
const RECORD = { units: [], outcome: DONE };
const AUDIT = '/var/log/coe-agent/audit.jsonl';
const FAILED = failed(new Error('no'));

/** Makes a node with a started deployment. */
async function createBusy() {
  const made = await createHands();
  await made.hands.ledger.accept(WORK);
  await made.hands.ledger.start(RUN_ID);
  return made;
}

describe('finish', () => {
  test('records the outcome of a deployment, then clears its generation', async () => {
    const made = await createBusy();
    const { hands, log } = made;
    const journal = await stageFile(made);
    await hands.generations.end(await hands.generations.commit(journal), RECORD);
    expect(await finish(RUN_ID, DONE, hands, 'rotation')).toMatchObject({ is: 'succeeded' });
    expect(hands.ledger.find(RUN_ID)).toMatchObject({ state: 'finished', outcome: { is: 'succeeded' } });
    expect(await hands.generations.current()).toBeUndefined();
    expect(logged(log, 'deployment-succeeded')).toMatchObject([{ deployment: RUN_ID, asks: 'rotation' }]);
  });

  test('reports only the outputs that Heat expects', async () => {
    const { hands } = await createBusy();
    const outcome = { ...succeeded('done'), outputs: { expected: '1', other: '2' } };
    expect((await finish(RUN_ID, outcome, hands))?.outputs).toEqual({ expected: '1' });
  });

  test('believes an ended journal more than the error of writing it', async () => {
    const made = await createBusy();
    const { hands, log } = made;
    const journal = await stageFile(made);
    await hands.generations.end(await hands.generations.commit(journal), RECORD);
    expect(await finish(RUN_ID, FAILED, hands)).toMatchObject({ is: 'succeeded' });
    expect(logged(log, 'deployment-failed')).toEqual([]);
  });

  test('reports nothing while it is open which files stay', async () => {
    const made = await createBusy();
    const { hands } = made;
    await hands.generations.commit(await stageFile(made));
    expect(await faultIn(finish(RUN_ID, FAILED, hands))).toMatchObject({ code: 'state' });
    expect(hands.ledger.find(RUN_ID)).toMatchObject({ state: 'started' });
    expect(await made.read(FILE)).toBe('new');
  });

  test('keeps a stuck generation', async () => {
    const made = await createBusy();
    const { hands, log } = made;
    const journal = await stageFile(made);
    await hands.generations.stick(journal, journal.run);
    await finish(RUN_ID, failed(new AgentError('disk', 'full'), 'stuck'), hands);
    expect(await hands.generations.current()).toMatchObject({ state: 'stuck' });
    expect(logged(log, 'deployment-failed')).toMatchObject([{ deployment: RUN_ID, node: 'stuck' }]);
  });

  test('tells no deployment that has not been started, but audits a generation', async () => {
    const made = await createHands();
    const journal = await stageFile(made);
    const { generations } = made.hands;
    await generations.end(await generations.commit(journal), RECORD);
    expect(await finish(RUN_ID, DONE, made.hands)).toBeUndefined();
    expect(await made.read(AUDIT)).toContain('"event":"changed"');
    const idle = await createHands();
    expect(await finish(RUN_ID, DONE, idle.hands)).toBeUndefined();
    expect(await idle.files()).not.toContain(AUDIT);
  });
});

test('finishRun records the outcome once, and deletes the run', async () => {
  const { hands } = await createBusy();
  const removed: string[] = [];
  const runs = {
    ...hands.runs,
    unitFor: () => undefined,
    runs: {
      ...hands.runs.runs,
      remove: async (id: string) => {
        await Promise.resolve();
        // The ledger has the outcome before the run is gone.
        removed.push(`${id} ${hands.ledger.find(id)?.state}`);
      },
    },
  };
  expect(await finishRun(RUN_ID, DONE, { ...hands, runs })).toMatchObject({ is: 'succeeded' });
  expect(await finishRun(RUN_ID, FAILED, { ...hands, runs })).toBeUndefined();
  expect(removed).toEqual([`${RUN_ID} finished`, `${RUN_ID} finished`]);
  expect(hands.ledger.find(RUN_ID)?.outcome).toMatchObject({ is: 'succeeded' });
});
