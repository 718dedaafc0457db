import { expect, test } from 'vitest';
import { carryOutOwn } from '../../../agent/pass/own-work.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { DONE } from '../../fakes/generation.ts';
import { createHands } from '../../fakes/hands.ts';
import { auditOf } from '../../scenarios/support/audit.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';

const RUN = 'auto-reissue';

test('records begin and end around the work, and returns its end', async () => {
  const test = await createHands();
  const duringWork: unknown[] = [];
  const ended = await carryOutOwn(RUN, test.hands, async () => {
    duringWork.push(...(await auditOf(test)).map(({ event }) => event));
    return { is: 'done', outcome: DONE };
  });
  expect(ended).toEqual({ is: 'done', outcome: DONE });
  expect(duringWork).toEqual(['begun']);
  expect(await auditOf(test)).toMatchObject([
    { event: 'begun', run: RUN },
    { event: 'ended', run: RUN, outcome: 'succeeded' },
  ]);
});

test('records work that throws as failed, with the node as before', async () => {
  const test = await createHands();
  const error = new AgentError('login-refused', 'the trust is gone');
  const ended = await carryOutOwn(RUN, test.hands, async () => await Promise.reject(error));
  expect(ended).toEqual({ is: 'failed', error, node: 'as-before' });
  expect((await auditOf(test)).at(-1)).toMatchObject({ event: 'ended', outcome: 'failed' });
});

test('records no end of work that was aborted: the next start goes on with it', async () => {
  const test = await createHands();
  const error = new AgentError('aborted', 'the program is to stop');
  const work = async (): Promise<never> => await Promise.reject(error);
  expect(await agentErrorOf(carryOutOwn(RUN, test.hands, work))).toBe(error);
  expect((await auditOf(test)).map(({ event }) => event)).toEqual(['begun']);
});
